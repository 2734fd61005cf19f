"""Grader of the backward passes of softmax and log-softmax."""

import torch

from thinkllm_drill.grading import (
    FunctionSuite,
    assert_growth,
    assert_no_tensor,
    assert_rounded_once,
    case,
    check,
    title,
)


class BackwardSuite(FunctionSuite):
    """What both backward passes have in common."""

    forward_output: str
    cases = [
        case(en="a small matrix", zh="小矩阵", shape=(2, 3)),
        case(en="a square matrix", zh="方阵", shape=(4, 4)),
        case(en="the first of two dims", zh="两维中的第一维", shape=(4, 4), dim=0),
        case(en="the middle dim of three", zh="三维中的中间一维", shape=(3, 5, 4), dim=1),
        case(en="a negative dim of four", zh="四维中的负 dim", shape=(2, 3, 4, 5), dim=-3),
        case(en="a long row", zh="长行", shape=(2, 1027), reduction=1027),
    ]
    edges = [
        case(en="one dimension", zh="一维输入", shape=(17,)),
        case(en="one entry a row", zh="每行一项", shape=(3, 1)),
        case(en="probabilities that are 0", zh="有为 0 的概率", shape=(4, 8), masked=True),
        case(en="one row nearly one-hot", zh="有一行接近 one-hot", shape=(3, 6), saturated=True),
        case(en="equal gradients along the row", zh="一行的梯度都相等", shape=(3, 6), constant=True),
        case(en="bfloat16", zh="bfloat16", shape=(4, 33), dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 33), dtype="float16"),
    ]

    def inputs(self, rng, *, shape, dim=None, masked=False, saturated=False, constant=False):
        logits = rng.normal(shape)
        if masked:
            logits[..., 1::3] = -torch.inf
        if saturated:
            logits[1, 2] += 200.0
        log_y = logits.double().log_softmax(-1 if dim is None else dim)
        grad_out = rng.normal((*shape[:-1], 1)).expand(shape).clone() if constant else rng.normal(shape)
        given = log_y if self.forward_output == "log_y" else log_y.exp()
        inputs = {"grad_out": grad_out, self.forward_output: given.float()}
        return inputs if dim is None else inputs | {"dim": dim}

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        for dtype in (torch.float16, torch.bfloat16):
            eps = torch.finfo(dtype).eps  # the mean of 1 and 1 + eps lies halfway between neighbours
            grad_out = torch.ones(2, 256, dtype=dtype)
            for row in grad_out:
                row[torch.tensor(rng.sample(list(range(256)), 128))] += eps
            y = torch.full_like(grad_out, 1 / 256)
            inputs = {"grad_out": grad_out, self.forward_output: y.log() if self.forward_output == "log_y" else y}
            found, right = attempt[self.entry](**inputs), reference[self.entry](**inputs)
            assert_rounded_once(
                found,
                right,
                dtype,
                spacings=1.5,
                en=f"for 256 equal probabilities, half of the gradients 1 and half 1 + 1/{1 / eps:.0f}, the result is "
                "off by more than rounding. Convert to float32 before anything is computed, and back at the end.",
                zh=f"256 个相等的概率，一半梯度为 1、一半为 1 + 1/{1 / eps:.0f}，结果误差超出了舍入误差。"
                "应先转 float32 再做任何计算，最后才转回。",
            )

    @check("cost")
    @title(en="no Jacobian, no Python loop", zh="没有 Jacobian，没有 Python 循环")
    def test_cost(self, attempt, rng):
        small, large = (attempt.profile(self.entry, **self.inputs(rng, shape=(n, n))) for n in (8, 64))
        assert_no_tensor(
            large,
            2 * 64 * 64 * 4,
            en="64 rows of 64 entries: a tensor far larger than the input was made. Apply the Jacobian to grad_out "
            "without building it: elementwise work and one sum per row.",
            zh="64 行、每行 64 项：产生了远大于输入的张量。不要构造 Jacobian，直接算它与 grad_out 的乘积："
            "逐元素运算加每行一次求和。",
        )
        assert_growth(
            small,
            large,
            "operations",
            at_most=2,
            en="From (8, 8) to (64, 64) your torch calls grow in number: you loop over rows or entries in Python.",
            zh="从 (8, 8) 到 (64, 64)，你调用 torch 的次数变多了：你在 Python 里逐行或逐元素循环。",
        )
        row = attempt.profile(self.entry, **self.inputs(rng, shape=(1, 64)))
        assert_no_tensor(
            row,
            64 * 64 * 4,
            en="One row of 64 entries: a 64 × 64 matrix was made. Apply the Jacobian without building it.",
            zh="一行 64 项：产生了 64 × 64 的矩阵。不要构造 Jacobian，直接算乘积。",
        )


class TestSoftmaxBackward(BackwardSuite):
    entry = "softmax_backward"
    forward_output = "y"


class TestLogSoftmaxBackward(BackwardSuite):
    entry = "log_softmax_backward"
    forward_output = "log_y"
