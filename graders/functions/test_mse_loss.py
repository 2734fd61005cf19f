"""Grader of the mean squared error."""

import torch

from thinkllm_drill.grading import (
    FunctionSuite,
    assert_close,
    assert_growth,
    assert_rounded_once,
    case,
    check,
    raises,
    title,
)

MISMATCHED = (((4, 1), (4,)), ((3, 4), (4,)), ((2, 3), (2, 1)), ((6,), (2, 3)), ((5,), ()))


class TestMSELoss(FunctionSuite):
    entry = "mse_loss"
    gradients = ("pred", "target")
    cases = [
        case(en="a small matrix", zh="小矩阵", shape=(2, 3)),
        case(en="a mask", zh="带掩码", shape=(3, 4), mask="full"),
        case(en="a mask that broadcasts", zh="可广播的掩码", shape=(3, 2, 4), mask="tokens"),
        case(en="no reduction, masked", zh="不归约，带掩码", shape=(4, 3), mask="full", reduce="none"),
        case(en="the sum", zh="求和", shape=(5, 3), reduce="sum"),
        case(en="the sum, masked", zh="求和，带掩码", shape=(3, 5, 2), mask="tokens", reduce="sum"),
        case(en="no reduction", zh="不归约", shape=(2, 3, 2), reduce="none"),
        case(en="a mask of fewer dimensions", zh="维数更少的掩码", shape=(3, 5), mask="columns"),
        case(en="many elements", zh="很多元素", shape=(7, 129), mask="full", reduction=903),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=()),
        case(en="one dimension", zh="一维输入", shape=(17,), mask="full"),
        case(en="NaN where the mask is False", zh="掩码为 False 处是 NaN", shape=(4, 5), mask="full", junk=True),
        case(en="NaN beside the mask, no reduction", zh="掩码之外是 NaN，不归约", shape=(4, 5), mask="full", junk=True, reduce="none"),
        case(en="nothing counts", zh="没有元素计入", shape=(3, 4), mask="none"),
        case(en="nothing counts, NaN everywhere", zh="没有元素计入，全是 NaN", shape=(3, 4), mask="none", junk=True),
        case(en="bfloat16", zh="bfloat16", shape=(4, 33), mask="full", dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 33), reduce="none", dtype="float16"),
        case(en="float16, a difference of 500", zh="float16，有一个差值为 500", shape=(4, 8), spike=500.0, dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, mask="", reduce=None, junk=False, spike=0.0):
        pred, target = rng.normal(shape), rng.normal(shape)
        if spike:
            pred[0, 0] += spike
        inputs = {"pred": pred, "target": target}
        if reduce is not None:
            inputs["reduction"] = reduce
        if mask:
            sizes = {"full": shape, "none": shape, "tokens": (*shape[:-1], 1), "columns": shape[-1:]}[mask]
            chosen = rng.bernoulli(sizes, 0.6)
            flat = chosen.view(-1)
            flat[: flat.numel() // 2 + 1 : 2], flat[1::3] = True, False  # some of each, if there are two
            inputs["mask"] = chosen & (mask != "none")
        if junk:
            inputs["pred"][~inputs["mask"]] = torch.nan
            inputs["target"][~inputs["mask"]] = torch.inf
            pred[..., ::2] = pred[..., ::2].nan_to_num(nan=torch.inf)
            target[..., 1] = rng.normal(shape[:-1])
        return inputs

    @check("gradients")
    @title(en="gradients beside NaN", zh="掩码之外是 NaN 时的梯度")
    def test_junk(self, attempt, reference, rng):
        for mask in ("full", "none"):
            inputs = self.inputs(rng, shape=(4, 5), mask=mask, junk=True)
            cotangent = {0: rng.normal(())}
            _, found = attempt.vjp(attempt["mse_loss"], inputs, self.gradients, cotangent)
            _, right = reference.vjp(reference["mse_loss"], inputs, self.gradients, cotangent)
            for name in self.gradients:
                assert_close(
                    found[name].flatten(),
                    right[name].flatten(),
                    en=f"where the mask is False, inputs are NaN and infinite: the gradient of {name} must be 0 there "
                    "and right elsewhere",
                    zh=f"掩码为 False 处输入是 NaN 与无穷：{name} 的梯度在那里必须为 0，其他位置必须正确",
                )

    @title(en="shapes that only broadcast are refused", zh="拒绝只能靠广播对齐的形状")
    def test_shapes(self, attempt, rng):
        for ours, theirs in MISMATCHED:
            pred, target = rng.normal(ours), rng.normal(theirs)
            raises(
                lambda pred=pred, target=target: attempt.mse_loss(pred=pred, target=target),
                "ValueError",
                en=f"pred of shape {ours} and target of shape {theirs} must raise ValueError",
                zh=f"pred 形状 {ours}、target 形状 {theirs} 时必须抛出 ValueError",
            )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference):
        for dtype in (torch.float16, torch.bfloat16):
            eps = torch.finfo(dtype).eps  # 2 + eps lies halfway between neighbours
            inputs = {"pred": torch.ones(4, 2, dtype=dtype), "target": torch.full((4, 2), -1 - eps, dtype=dtype)}
            found, right = attempt.mse_loss(**inputs), reference.mse_loss(**inputs)
            assert_rounded_once(
                found,
                right,
                dtype,
                spacings=0.75,
                en=f"predictions of 1 and targets of −1 − 1/{1 / eps:.0f}: the loss is off by more than rounding. "
                "Convert both to float32 before you subtract, and the result back at the end.",
                zh=f"预测为 1，目标为 −1 − 1/{1 / eps:.0f}，损失的误差超出了舍入误差。"
                "应先把两者转为 float32 再相减，最后才转回。",
            )

    @check("cost")
    @title(en="no Python loop over elements", zh="不在 Python 里逐元素循环")
    def test_no_loop(self, attempt, rng):
        small, large = (
            attempt.profile("mse_loss", *self.inputs(rng, shape=(n, n)).values(), mask=rng.bernoulli((n, n), 0.5))
            for n in (8, 64)
        )
        assert_growth(
            small,
            large,
            "operations",
            at_most=2,
            en="From (8, 8) to (64, 64) your torch calls grow in number: you loop in Python.",
            zh="从 (8, 8) 到 (64, 64)，你调用 torch 的次数变多了：你在 Python 里循环。",
        )
