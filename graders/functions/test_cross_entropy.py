"""Grader of cross-entropy from logits."""

import torch

from thinkllm_drill.grading import (
    FunctionSuite,
    assert_close,
    assert_growth,
    assert_no_tensor,
    assert_rounded_once,
    case,
    check,
    title,
)


class TestCrossEntropy(FunctionSuite):
    entry = "cross_entropy"
    gradients = ("logits",)
    cases = [
        case(en="a few rows", zh="几行", batch=3, classes=4),
        case(en="some targets ignored", zh="部分目标被忽略", batch=5, classes=3, ignored="some"),
        case(en="label smoothing 0.1", zh="标签平滑 0.1", batch=4, classes=5, label_smoothing=0.1),
        case(en="label smoothing 0.3, some ignored", zh="标签平滑 0.3，部分被忽略", batch=6, classes=4, ignored="some", label_smoothing=0.3),
        case(en="no reduction, some ignored", zh="不归约，部分被忽略", batch=5, classes=7, ignored="some", label_smoothing=0.2, reduce="none"),
        case(en="the sum, some ignored", zh="求和，部分被忽略", batch=7, classes=3, ignored="some", reduce="sum"),
        case(en="ignore_index is a class", zh="ignore_index 是某个类", batch=8, classes=4, ignored="some", ignore_index=2),
        case(en="ignore_index beyond the classes", zh="ignore_index 超出类别范围", batch=5, classes=6, ignored="some", ignore_index=255),
        case(en="1027 classes", zh="1027 个类", batch=3, classes=1027, label_smoothing=0.1, reduction=1027),
    ]  # fmt: skip
    edges = [
        case(en="logits of ±1000", zh="±1000 的 logit", batch=6, classes=5, scale=1000.0, reduce="none"),
        case(en="rows far apart", zh="各行相距很远", batch=3, classes=5, apart=1000.0, reduce="none"),
        case(en="logits of ±1000, smoothed", zh="±1000 的 logit，带平滑", batch=6, classes=5, scale=1000.0, label_smoothing=0.1),
        case(en="banned classes", zh="有被禁用的类", batch=4, classes=6, banned=True),
        case(en="one row", zh="只有一行", batch=1, classes=4),
        case(en="one row, no reduction", zh="只有一行，不归约", batch=1, classes=5, reduce="none"),
        case(en="one class, some ignored", zh="只有一个类，部分被忽略", batch=3, classes=1, ignored="some"),
        case(en="all targets ignored", zh="所有目标都被忽略", batch=3, classes=4, ignored="all"),
        case(en="all ignored, smoothed", zh="全部被忽略，带平滑", batch=3, classes=4, ignored="all", label_smoothing=0.1),
        case(en="all ignored, no reduction", zh="全部被忽略，不归约", batch=3, classes=4, ignored="all", reduce="none"),
        case(en="bfloat16", zh="bfloat16", batch=5, classes=33, ignored="some", dtype="bfloat16"),
        case(en="float16", zh="float16", batch=5, classes=33, ignored="some", reduce="none", dtype="float16"),
        case(en="float16, 129 losses near 1000", zh="float16，129 个接近 1000 的损失", batch=129, classes=3, scale=1000.0, dtype="float16"),
    ]  # fmt: skip

    def inputs(
        self, rng, *, batch, classes, ignored="", ignore_index=None, label_smoothing=None, reduce=None,
        scale=1.0, apart=0.0, banned=False,
    ):  # fmt: skip
        logits = rng.normal((batch, classes)) * scale
        logits += apart * (torch.arange(batch)[:, None] - batch // 2)
        target = rng.integers(0, classes, (batch,))
        if banned:  # every second class, unless it is the target
            logits[:, 1::2] = -torch.inf
            logits[torch.arange(batch), target] = rng.normal((batch,))
        if ignored:
            target[:: 1 if ignored == "all" else 2] = -100 if ignore_index is None else ignore_index
        given = {"ignore_index": ignore_index, "label_smoothing": label_smoothing, "reduction": reduce}
        return {
            "logits": logits,
            "target": target,
            **{name: value for name, value in given.items() if value is not None},
        }

    def valid(self, *, batch, classes, **_):
        return batch > 0 and classes > 0

    @check("gradients")
    @title(en="gradients at ±1000", zh="±1000 处的梯度")
    def test_large_logits(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=8, classes=5, reduce="none")
        inputs["logits"][::2] = (rng.integers(-3, 4, (4, 5)) * 300.0).clamp(-1000, 1000)
        inputs["logits"][::2, 1:3] = torch.tensor([1000.0, -1000.0])
        inputs["target"][::2] = torch.tensor([2, 1, 0, 2])
        self.same_gradients(
            attempt,
            reference,
            rng,
            inputs,
            en="rows 0, 2, 4 and 6 have logits of ±1000: the gradient must be right and free of NaN there, too",
            zh="第 0、2、4、6 行的 logit 为 ±1000，梯度也必须正确且没有 NaN",
        )

    @check("gradients")
    @title(en="gradients beside banned classes", zh="有被禁用的类时的梯度")
    def test_banned_classes(self, attempt, reference, rng):
        self.same_gradients(
            attempt,
            reference,
            rng,
            self.inputs(rng, batch=4, classes=6, banned=True),
            en="some logits are −inf: the gradient must be finite and right",
            zh="部分 logit 为 −inf，梯度必须有限且正确",
        )

    @check("gradients")
    @title(en="gradients if all targets are ignored", zh="所有目标都被忽略时的梯度")
    def test_all_ignored(self, attempt, reference, rng):
        self.same_gradients(
            attempt,
            reference,
            rng,
            self.inputs(rng, batch=3, classes=4, ignored="all", label_smoothing=0.1),
            en="all targets are ignored: the gradient must be 0 everywhere",
            zh="所有目标都被忽略，梯度必须处处为 0",
        )

    def same_gradients(self, attempt, reference, rng, inputs, *, en, zh):
        """One product with a random cotangent, compared over the whole tensor."""
        cotangent = {0: rng.normal((len(inputs["target"]),) if inputs.get("reduction") == "none" else ())}
        _, found = attempt.vjp(attempt["cross_entropy"], inputs, self.gradients, cotangent)
        _, right = reference.vjp(reference["cross_entropy"], inputs, self.gradients, cotangent)
        assert_close(found["logits"].flatten(), right["logits"].flatten(), en=en, zh=zh, reduction=1024)

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        for dtype, step in ((torch.float16, 1 / 256), (torch.bfloat16, 1 / 32)):
            logits = torch.full((2, 256), -step, dtype=dtype)  # 8 + step lies halfway between neighbours
            target = torch.tensor([rng.randint(0, 256) for _ in range(2)])
            logits[torch.arange(2), target] = 8.0
            inputs = {"logits": logits, "target": target, "reduction": "none"}
            found, right = attempt.cross_entropy(**inputs), reference.cross_entropy(**inputs)
            assert_rounded_once(
                found,
                right,
                dtype,
                spacings=1.5,
                en=f"a row of one 8 and 255 of −1/{1 / step:.0f} is off by more than rounding. Convert to "
                "float32 before anything is computed, the subtraction of the maximum included.",
                zh=f"一个 8、255 个 −1/{1 / step:.0f} 的行，误差超出了舍入误差。"
                "应先转 float32 再做任何计算，包括减去最大值。",
            )

    @check("cost")
    @title(en="no Python loop, no one-hot matrix", zh="没有 Python 循环，没有 one-hot 矩阵")
    def test_cost(self, attempt, rng):
        small, large = (
            attempt.profile("cross_entropy", *self.inputs(rng, batch=n, classes=n).values(), label_smoothing=0.1)
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
            en="64 rows and classes: a tensor twice as large as the logits was made. Pick the target's entry by "
            "gather or by indexing instead of a one-hot matrix.",
            zh="64 行 64 类：产生了比 logits 大一倍的张量。应当用 gather 或下标取出目标那一项，而不是构造 one-hot 矩阵。",
        )
