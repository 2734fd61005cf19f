"""Grader of the hand-written gradient of cross-entropy."""

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

# a row is measured by its largest entry, which `inputs` keeps from being a p − q near 0
FAR = 8192
"""Roundoffs allowed at logits of ±1000: exp(x − logsumexp(x)) loses what one roundoff of 3000 is, and p − q may cancel."""


class TestCrossEntropyBackward(FunctionSuite):
    entry = "cross_entropy_backward"
    cases = [
        case(en="a few rows", zh="几行", batch=3, classes=4, factor=24),
        case(en="as many rows as classes", zh="行数等于类别数", batch=4, classes=4, reduce="none", factor=24),
        case(en="some targets ignored", zh="部分目标被忽略", batch=5, classes=3, ignored="some", factor=24),
        case(en="label smoothing 0.1", zh="标签平滑 0.1", batch=4, classes=5, label_smoothing=0.1, factor=24),
        case(en="no reduction, smoothed, some ignored", zh="不归约，带平滑，部分被忽略", batch=6, classes=4, ignored="some", label_smoothing=0.3, reduce="none", factor=24),
        case(en="the sum, some ignored", zh="求和，部分被忽略", batch=7, classes=3, ignored="some", reduce="sum", factor=24),
        case(en="ignore_index is a class", zh="ignore_index 是某个类", batch=8, classes=4, ignored="some", ignore_index=2, factor=24),
        case(en="ignore_index beyond the classes", zh="ignore_index 超出类别范围", batch=5, classes=6, ignored="some", ignore_index=255, factor=24),
        case(en="1027 classes", zh="1027 个类", batch=3, classes=1027, label_smoothing=0.1, reduction=1027),
    ]  # fmt: skip
    edges = [
        case(en="logits of ±1000", zh="±1000 的 logit", batch=6, classes=5, scale=1000.0, factor=FAR),
        case(en="rows far apart", zh="各行相距很远", batch=3, classes=5, apart=1000.0, reduce="none", factor=16 * FAR),
        case(en="logits of ±1000, smoothed", zh="±1000 的 logit，带平滑", batch=6, classes=5, scale=1000.0, label_smoothing=0.1, factor=16 * FAR),
        case(en="banned classes", zh="有被禁用的类", batch=4, classes=6, banned=True),
        case(en="one row", zh="只有一行", batch=1, classes=4, factor=24),
        case(en="one row, no reduction", zh="只有一行，不归约", batch=1, classes=5, reduce="none", factor=24),
        case(en="one class, some ignored", zh="只有一个类，部分被忽略", batch=3, classes=1, ignored="some"),
        case(en="all targets ignored", zh="所有目标都被忽略", batch=3, classes=4, ignored="all"),
        case(en="all ignored, smoothed, no reduction", zh="全部被忽略，带平滑，不归约", batch=3, classes=4, ignored="all", label_smoothing=0.1, reduce="none"),
        case(en="bfloat16", zh="bfloat16", batch=5, classes=33, ignored="some", dtype="bfloat16"),
        case(en="float16", zh="float16", batch=5, classes=33, ignored="some", reduce="none", dtype="float16"),
    ]  # fmt: skip

    def inputs(
        self, rng, *, batch, classes, ignored="", ignore_index=None, label_smoothing=None, reduce=None,
        scale=1.0, apart=0.0, banned=False,
    ):  # fmt: skip
        logits = rng.normal((batch, classes)) * scale
        logits += apart * (torch.arange(batch)[:, None] - batch // 2)
        target = rng.integers(0, classes, (batch,))
        likely = logits.softmax(dim=1).gather(1, target[:, None])[:, 0] > 0.5
        target = torch.where(likely, logits.argmin(dim=1), target)
        if banned:  # every second class, unless it is the target
            logits[:, 1::2] = -torch.inf
            logits[torch.arange(batch), target] = rng.normal((batch,))
        if ignored:
            target[:: 1 if ignored == "all" else 2] = -100 if ignore_index is None else ignore_index
        grad_out = rng.uniform((batch,) if reduce == "none" else (), 1.5, 3.0)
        given = {"ignore_index": ignore_index, "label_smoothing": label_smoothing, "reduction": reduce}
        return {
            "grad_out": grad_out,
            "logits": logits,
            "target": target,
            **{name: value for name, value in given.items() if value is not None},
        }

    def valid(self, *, batch, classes, **_):
        return batch > 0 and classes > 0

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        for dtype, step in ((torch.float16, 1 / 256), (torch.bfloat16, 1 / 32)):
            logits = torch.full((2, 256), -step, dtype=dtype)  # 10 + step lies halfway between neighbours
            target = torch.tensor([rng.randint(0, 256) for _ in range(2)])
            logits[torch.arange(2), target] = 10.0
            grad_out = torch.ones(2, dtype=dtype)
            inputs = {"grad_out": grad_out, "logits": logits, "target": target, "reduction": "none"}
            found, right = attempt[self.entry](**inputs), reference[self.entry](**inputs)
            assert_rounded_once(
                found,
                right,
                dtype,
                spacings=1.5,
                en=f"the target has a logit of 10, 255 other classes −1/{1 / step:.0f}; the gradient is off "
                "by more than rounding. Convert to float32 before anything is computed, and back at the end.",
                zh=f"目标的 logit 为 10，其余 255 个类为 −1/{1 / step:.0f}，梯度误差超出了舍入误差。"
                "应先转 float32 再做任何计算，最后才转回。",
            )

    @check("cost")
    @title(en="no loop, no Jacobian, no one-hot matrix", zh="没有循环、Jacobian 与 one-hot 矩阵")
    def test_cost(self, attempt, rng):
        small, large = (
            attempt.profile(self.entry, *self.inputs(rng, batch=n, classes=n).values(), label_smoothing=0.1)
            for n in (8, 64)
        )
        assert_growth(
            small,
            large,
            "operations",
            at_most=2,
            en="From 8 rows and classes to 64 your torch calls grow in number: you loop over them in Python.",
            zh="从 8 行 8 类增到 64 行 64 类，你调用 torch 的次数变多了：你在 Python 里循环。",
        )
        assert_no_tensor(
            large,
            64 * 64 * 8,
            en="64 rows and classes: a tensor twice as large as the logits, or larger, was made. Subtract from the "
            "target's entry alone; neither a one-hot matrix nor a Jacobian is needed.",
            zh="64 行 64 类：产生了比 logits 大一倍以上的张量。只需从目标那一项减去，不需要 one-hot 矩阵，也不需要 Jacobian。",
        )
