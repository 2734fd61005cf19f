"""Grader of the KL divergence from logits."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, assert_rounded_once, case, check, title


class TestKLDiv(FunctionSuite):
    """Terms are differences of log-probabilities, as exact as these: factor 256. Beside logits of 1000 they are x − logsumexp(x)
    to some, which is right to a roundoff of 1000, and exp makes a relative error of that: factor 16384.
    """

    entry = "kl_div"
    gradients = ("p_logits", "q_logits")
    cases = [
        case(en="a few rows", zh="几行", shape=(3, 4), factor=256),
        case(en="reverse", zh="反向", shape=(2, 5), direction="reverse", factor=256),
        case(en="the terms", zh="不归约的各项", shape=(3, 5), reduce="none", factor=256),
        case(en="the mean over tokens and classes", zh="对 token 与类别取平均", shape=(2, 3, 4), reduce="mean", factor=256),
        case(en="batchmean over tokens", zh="多个 token 的 batchmean", shape=(2, 3, 5), reduce="batchmean", factor=256),
        case(en="the sum, reverse", zh="求和，反向", shape=(4, 3), direction="reverse", reduce="sum", factor=256),
        case(en="the terms, reverse", zh="各项，反向", shape=(4, 4), direction="reverse", reduce="none", factor=256),
        case(en="forward, by name", zh="写明正向", shape=(3, 6), direction="forward", reduce="sum", factor=256),
        case(en="many classes", zh="很多类", shape=(2, 1027), factor=256),
    ]  # fmt: skip
    edges = [
        case(en="probabilities of 0 in p", zh="p 有为 0 的概率", shape=(4, 6), zeros="p", reduce="none", factor=256),
        case(en="both 0 at the same classes", zh="两者在相同的类上为 0", shape=(4, 6), zeros="both", factor=256),
        case(en="both 0, reverse", zh="两者都有为 0 的概率，反向", shape=(3, 2, 6), zeros="both", direction="reverse", reduce="none", factor=256),
        case(en="p is one-hot", zh="p 为 one-hot", shape=(3, 5), zeros="one-hot", factor=256),
        case(en="0 in q alone", zh="只有 q 有为 0 的概率", shape=(3, 5), zeros="q", reduce="none", factor=256),
        case(en="0 in p, reverse", zh="p 有为 0 的概率，反向", shape=(3, 5), zeros="p", direction="reverse"),
        case(en="logits of ±1000", zh="±1000 的 logit", shape=(4, 5), scale=1000.0, factor=16384),
        case(en="rows far apart", zh="各行相距很远", shape=(3, 5), apart=1000.0, reduce="none", factor=65536),
        case(en="p and q equal", zh="p 与 q 相等", shape=(3, 5), equal=True, reduce="none"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 33), dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 33), reduce="none", dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, direction=None, reduce=None, zeros="", scale=1.0, apart=0.0, equal=False):
        p, q = rng.normal(shape) * scale, rng.normal(shape) * scale
        if scale > 100:  # what p prefers is what q does not: the divergence is large, too
            q = q / scale - p
        if equal:
            q = p.clone()
        away = apart * torch.arange(shape[0]).view(-1, *[1] * (len(shape) - 1))
        p, q = p + away, q - away
        if zeros == "one-hot":
            p[..., 1:] = -torch.inf
        elif zeros:
            for logits in {"p": (p,), "q": (q,), "both": (p, q)}[zeros]:
                logits[..., 1::3] = -torch.inf
        inputs = {"p_logits": p, "q_logits": q}
        given = {"direction": direction, "reduction": reduce}
        return inputs | {name: value for name, value in given.items() if value is not None}

    @check("gradients")
    @title(en="gradients beside probabilities of 0", zh="有为 0 的概率时的梯度")
    def test_zeros(self, attempt, reference, rng):
        for zeros, direction in (("p", "forward"), ("q", "reverse"), ("both", "forward"), ("both", "reverse")):
            inputs = self.inputs(rng, shape=(4, 7), zeros=zeros, direction=direction)
            self.same_gradients(
                attempt,
                reference,
                inputs,
                en=f"direction {direction!r}, probabilities of 0 in {zeros}: the gradient must be finite and right",
                zh=f"direction 为 {direction!r}，{zeros} 有为 0 的概率：梯度必须有限且正确",
            )

    @check("gradients")
    @title(en="gradients at ±1000", zh="±1000 处的梯度")
    def test_large_logits(self, attempt, reference, rng):
        inputs = self.inputs(rng, shape=(6, 5))
        for logits in (inputs["p_logits"], inputs["q_logits"]):
            logits[::2] = (rng.integers(-3, 4, (3, 5)) * 300.0).clamp(-1000, 1000)
            logits[::2, 1:3] = torch.tensor([1000.0, -1000.0])
        self.same_gradients(
            attempt,
            reference,
            inputs,
            en="rows 0, 2 and 4 have logits of ±1000: the gradient must be right and free of NaN",
            zh="第 0、2、4 行的 logit 为 ±1000，梯度必须正确且没有 NaN",
        )

    def same_gradients(self, attempt, reference, inputs, *, en, zh):
        """The gradients of both inputs, each compared over the whole tensor."""
        one = {0: torch.ones(())}
        _, found = attempt.vjp(attempt["kl_div"], inputs, self.gradients, one)
        _, right = reference.vjp(reference["kl_div"], inputs, self.gradients, one)
        for name in self.gradients:
            assert_close(
                found[name].flatten(),
                right[name].flatten(),
                en=f"{en} ({name})",
                zh=f"{zh}（{name}）",
                reduction=1024,  # 64 roundoffs
            )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        for dtype, gap in ((torch.float16, 1 / 8), (torch.bfloat16, 1 / 2)):
            q = torch.full((2, 256), gap, dtype=dtype)
            for row in q:
                row[torch.tensor(rng.sample(list(range(256)), 128))] = -gap
            inputs = {"p_logits": torch.zeros_like(q), "q_logits": q}
            found, right = attempt.kl_div(**inputs), reference.kl_div(**inputs)
            assert_rounded_once(
                found,
                right,
                dtype,
                spacings=1.0,
                en=f"p uniform over 256 classes, the logits of q ±{gap:g}: the divergence is off by more "
                "than rounding. Log-probabilities near −5.5 keep too few digits for their difference: convert to "
                "float32 before anything is computed, and back at the end.",
                zh=f"p 在 256 个类上均匀，q 的 logit 为 ±{gap:g}，散度误差超出了舍入误差。"
                "−5.5 附近的对数概率有效数字太少，不够相减：应先转 float32 再做任何计算，最后才转回。",
            )

    @check("cost")
    @title(en="no Python loop over rows or classes", zh="不在 Python 里逐行或逐类循环")
    def test_no_loop(self, attempt, rng):
        small, large = (attempt.profile("kl_div", **self.inputs(rng, shape=(n, n))) for n in (8, 64))
        assert_growth(
            small,
            large,
            "operations",
            at_most=2,
            en="From (8, 8) to (64, 64) your torch calls grow in number: you loop in Python.",
            zh="从 (8, 8) 到 (64, 64)，你调用 torch 的次数变多了：你在 Python 里循环。",
        )
