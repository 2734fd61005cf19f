"""Grader of the sigmoid focal loss."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, assert_rounded_once, case, check, title


class TestFocalLoss(FunctionSuite):
    """Honest forms make 1 − p_t by a subtraction, which is right to a roundoff of 1: factor 256."""

    entry = "focal_loss"
    gradients = ("logits",)
    cases = [
        case(en="a small matrix", zh="小矩阵", shape=(2, 3), factor=256),
        case(en="gamma 0.5, no reduction", zh="gamma 为 0.5，不归约", shape=(3, 4), gamma=0.5, reduce="none", factor=256),
        case(en="gamma 3, alpha 0.7", zh="gamma 为 3，alpha 为 0.7", shape=(4, 3), gamma=3.0, alpha=0.7, factor=256),
        case(en="no alpha", zh="不带 alpha", shape=(3, 3), alpha=None, factor=256),
        case(en="gamma 0", zh="gamma 为 0", shape=(3, 4), gamma=0.0, alpha=0.4, reduce="none", factor=256),
        case(en="gamma 0 and no alpha", zh="gamma 为 0，不带 alpha", shape=(4, 3), gamma=0.0, alpha=None, factor=256),
        case(en="the sum", zh="求和", shape=(2, 3, 4), gamma=1.5, reduce="sum", factor=256),
        case(en="many elements", zh="很多元素", shape=(7, 129), factor=256),
    ]  # fmt: skip
    edges = [
        case(en="no dimensions", zh="零维", shape=(), factor=256),
        case(en="one dimension", zh="一维输入", shape=(17,), factor=256),
        case(en="alpha 0: negatives alone", zh="alpha 为 0：只有负样本", shape=(3, 4), alpha=0.0, reduce="none", factor=256),
        case(en="alpha 1: positives alone", zh="alpha 为 1：只有正样本", shape=(3, 4), alpha=1.0, reduce="none", factor=256),
        case(en="logits of ±1000", zh="±1000 的 logit", shape=(4, 6), scale=1000.0, reduce="none"),
        case(en="logits of ±1000, gamma 0.5", zh="±1000 的 logit，gamma 为 0.5", shape=(4, 6), scale=1000.0, gamma=0.5),
        case(en="bfloat16", zh="bfloat16", shape=(4, 33), dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 33), reduce="none", dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, gamma=-1.0, alpha=-1.0, reduce=None, scale=1.0):
        logits = rng.normal(shape) * scale
        target = rng.bernoulli(shape, 0.5).float()
        if shape:  # one positive and one negative of each row wrong, which gives it a scale
            target[..., 0] = (logits[..., 0] < 0).float()
            logits[..., -1] = torch.where(target[..., 0] > 0, 1.0, -1.0) * logits[..., -1].abs()
            target[..., -1] = 1 - target[..., 0]
        inputs = {"logits": logits, "target": target}
        if alpha is None or alpha >= 0:
            inputs["alpha"] = alpha
        if gamma >= 0:
            inputs["gamma"] = gamma
        if reduce is not None:
            inputs["reduction"] = reduce
        return inputs

    @check("gradients")
    @title(en="gradients at ±1000", zh="±1000 处的梯度")
    def test_large_logits(self, attempt, reference, rng):
        for gamma in (0.0, 0.5, 1.0, 2.0):
            inputs = self.inputs(rng, shape=(4, 6), gamma=gamma, reduce="sum")
            inputs["logits"][::2, :3], inputs["logits"][::2, 3:] = 1000.0, -1000.0
            inputs["logits"][2] /= 20.0
            inputs["target"][::2] = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
            one = {0: torch.ones(())}
            _, found = attempt.vjp(attempt["focal_loss"], inputs, self.gradients, one)
            _, right = reference.vjp(reference["focal_loss"], inputs, self.gradients, one)
            assert_close(
                found["logits"].flatten(),
                right["logits"].flatten(),
                en=f"gamma {gamma:g}, rows 0 and 2 have logits of ±1000 and ±50: the gradient must be right and free "
                "of NaN there, too",
                zh=f"gamma 为 {gamma:g}，第 0、2 行的 logit 为 ±1000 与 ±50：梯度也必须正确且没有 NaN",
                reduction=16384,  # 256 roundoffs
            )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        for dtype in (torch.float16, torch.bfloat16):
            inputs = {
                "logits": rng.uniform((16, 24), -1.5, 1.5).to(dtype),
                "target": rng.bernoulli((16, 24), 0.5).to(dtype),
                "reduction": "none",
            }
            assert_rounded_once(attempt.focal_loss(**inputs), reference.focal_loss(**inputs), dtype)

    @check("cost")
    @title(en="no Python loop over elements", zh="不在 Python 里逐元素循环")
    def test_no_loop(self, attempt, rng):
        small, large = (attempt.profile("focal_loss", *self.inputs(rng, shape=(n, n)).values()) for n in (8, 64))
        assert_growth(
            small,
            large,
            "operations",
            at_most=2,
            en="From (8, 8) to (64, 64) your torch calls grow in number: you loop in Python.",
            zh="从 (8, 8) 到 (64, 64)，你调用 torch 的次数变多了：你在 Python 里循环。",
        )
