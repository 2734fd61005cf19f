"""Grader of softmax and log-softmax."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, case, title


class SoftmaxSuite(FunctionSuite):
    """What softmax and log-softmax have in common."""

    gradients = ("x",)
    cases = [
        case(en="a small matrix", zh="小矩阵", shape=(2, 3)),
        case(en="a square matrix", zh="方阵", shape=(4, 4)),
        case(en="the first of two dims", zh="两维中的第一维", shape=(4, 4), dim=0),
        case(en="the middle dim of three", zh="三维中的中间一维", shape=(3, 5, 4), dim=1),
        case(en="a negative dim", zh="负的 dim", shape=(2, 7, 3), dim=-2),
        case(en="a long row", zh="长行", shape=(2, 1027), reduction=1027),
    ]
    edges = [
        case(en="one entry", zh="只有一项", shape=(3, 1)),
        case(en="one dimension", zh="一维输入", shape=(17,)),
        case(en="logits of ±10000", zh="±10000 的 logit", shape=(4, 9), scale=1e4, factor=4),
        case(en="one row near 0, one near −10000", zh="一行在 0 附近，一行在 −10000 附近", shape=(2, 6), apart=1e4),
        case(en="some entries −inf", zh="部分项为 −inf", shape=(4, 8), masked=True),
        case(en="one row all −inf", zh="一行全为 −inf", shape=(3, 5), dead=True),
        case(en="ties at the maximum", zh="最大值并列", shape=(3, 6), ties=True),
        case(en="bfloat16", zh="bfloat16", shape=(4, 33), dtype="bfloat16"),
        case(en="70000 equal float16 logits", zh="70000 个相等的 float16 logit", shape=(1, 70000), scale=0.0, dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, dim=None, scale=1.0, apart=0.0, masked=False, dead=False, ties=False):
        x = rng.normal(shape) * scale
        x[1:] -= apart
        if masked:
            x[..., 1::3] = -torch.inf
        if dead:
            x[1] = -torch.inf
        if ties:
            x[..., ::2] = 3.0
        return {"x": x} if dim is None else {"x": x, "dim": dim}

    @title(en="adding a constant to every logit", zh="每个 logit 加同一个常数")
    def test_shift_invariance(self, attempt, rng):
        x = rng.integers(-64, 64, (5, 11)) / 8  # exact in float32, also after the shift
        call = getattr(attempt, self.entry)
        assert_close(
            call(x=x + 8.0),
            call(x=x),
            en="the same logits plus 8 must give the same answer",
            zh="所有 logit 加 8 后答案应当不变",
        )


class TestSoftmax(SoftmaxSuite):
    entry = "softmax"


class TestLogSoftmax(SoftmaxSuite):
    entry = "log_softmax"
