"""Grader of binary cross-entropy from logits."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, assert_rounded_once, case, check, title


class TestBCEWithLogits(FunctionSuite):
    """Honest forms take x · y from x, which is right to a roundoff of x, while the loss may be far smaller: factor 256."""

    entry = "bce_with_logits"
    gradients = ("logits",)
    cases = [
        case(en="a small matrix", zh="小矩阵", shape=(2, 3), factor=256),
        case(en="soft targets", zh="软标签", shape=(3, 4), soft=True, factor=256),
        case(en="a weight for each class", zh="每个类一个权重", shape=(4, 3), weight="classes", factor=256),
        case(en="soft targets, weighted, no reduction", zh="软标签，加权，不归约", shape=(3, 3), soft=True, weight="classes", reduce="none", factor=256),
        case(en="the sum", zh="求和", shape=(2, 3, 4), reduce="sum", factor=256),
        case(en="one weight for all", zh="所有元素共用一个权重", shape=(5, 2), soft=True, weight="one", factor=256),
        case(en="a weight for each row", zh="每行一个权重", shape=(4, 4), soft=True, weight="rows", factor=256),
        case(en="a weight for each element", zh="每个元素一个权重", shape=(3, 4), weight="elements", reduce="sum", factor=256),
        case(en="many elements", zh="很多元素", shape=(7, 129), soft=True, factor=256),
    ]  # fmt: skip
    edges = [
        case(en="no dimensions", zh="零维", shape=(), factor=256),
        case(en="no dimensions, no reduction", zh="零维，不归约", shape=(), weight="one", reduce="none", factor=256),
        case(en="one dimension", zh="一维输入", shape=(17,), soft=True, factor=256),
        case(en="logits of ±1000", zh="±1000 的 logit", shape=(4, 6), scale=1000.0, reduce="none"),
        case(en="logits of ±1000, weighted", zh="±1000 的 logit，加权", shape=(4, 6), scale=1000.0, soft=True, weight="classes"),
        case(en="logits of 0", zh="logit 为 0", shape=(3, 4), scale=0.0, soft=True, weight="classes"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 33), soft=True, weight="classes", dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 33), soft=True, weight="one", reduce="none", dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, soft=False, weight="", reduce=None, scale=1.0):
        logits = rng.normal(shape) * scale
        target = rng.uniform(shape) if soft else rng.bernoulli(shape, 0.5).float()
        if scale > 100:  # a wrong one in each row, which gives it a scale
            target[..., 0] = (logits[..., 0] < 0).float()
        inputs = {"logits": logits, "target": target}
        if weight:
            sizes = {"classes": shape[-1:], "one": (), "rows": (*shape[:-1], 1), "elements": shape}[weight]
            inputs["pos_weight"] = rng.uniform(sizes, 1.5, 4.0)
        if reduce is not None:
            inputs["reduction"] = reduce
        return inputs

    @check("gradients")
    @title(en="the gradient at a logit of 0", zh="logit 为 0 处的梯度")
    def test_zero(self, attempt, reference, rng):
        inputs = self.inputs(rng, shape=(3, 4), soft=True, weight="classes", reduce="sum")
        inputs["logits"][:2] = 0.0
        inputs["logits"][1] *= -1.0  # −0, too
        self.same_gradients(
            attempt,
            reference,
            inputs,
            en="rows 0 and 1 have logits of exactly 0: their gradient must be w · y · (½ − 1) + (1 − y) · ½. "
            "Look at what your max and |x| do at 0",
            zh="第 0、1 行的 logit 恰好为 0，梯度应为 w · y · (½ − 1) + (1 − y) · ½。看看你的 max 与 |x| 在 0 处的梯度",
        )

    @check("gradients")
    @title(en="gradients at ±1000", zh="±1000 处的梯度")
    def test_large_logits(self, attempt, reference, rng):
        inputs = self.inputs(rng, shape=(4, 6), soft=True, weight="classes", reduce="sum")
        inputs["logits"][::2, :3], inputs["logits"][::2, 3:] = 1000.0, -1000.0
        inputs["target"][0] = torch.tensor([0.0, 1.0, 0.5, 0.0, 1.0, 0.5])
        self.same_gradients(
            attempt,
            reference,
            inputs,
            en="rows 0 and 2 have logits of ±1000: the gradient must be right and free of NaN there, too",
            zh="第 0、2 行的 logit 为 ±1000，梯度也必须正确且没有 NaN",
        )

    def same_gradients(self, attempt, reference, inputs, *, en, zh):
        """The gradient of the sum, compared over the whole tensor."""
        one = {0: torch.ones(())}
        _, found = attempt.vjp(attempt["bce_with_logits"], inputs, self.gradients, one)
        _, right = reference.vjp(reference["bce_with_logits"], inputs, self.gradients, one)
        assert_close(found["logits"].flatten(), right["logits"].flatten(), en=en, zh=zh)

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        for dtype in (torch.float16, torch.bfloat16):
            given = self.inputs(rng, shape=(16, 24), soft=True, weight="classes", reduce="none")
            inputs = {key: value.to(dtype) if key != "reduction" else value for key, value in given.items()}
            assert_rounded_once(attempt.bce_with_logits(**inputs), reference.bce_with_logits(**inputs), dtype)

    @check("cost")
    @title(en="no Python loop over elements", zh="不在 Python 里逐元素循环")
    def test_no_loop(self, attempt, rng):
        small, large = (
            attempt.profile("bce_with_logits", *self.inputs(rng, shape=(n, n), weight="classes").values())
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
