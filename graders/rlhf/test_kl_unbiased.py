"""Grader of the unbiased KL estimates: formulas, gradients, and exact expectations over a small vocabulary."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, fail, raises, title

ON, OFF, VALUE = "grad_on_policy", "grad_off_policy", "value"
COUNTS = (6, 4, 3, 2, 1)  # of 16 tokens: the mean over them is the expectation over a vocabulary of five


class TestUnbiasedKL(FunctionSuite):
    """No token is nearly as likely under the reference as under the policy: k3 by its plain formula would cancel there."""

    entry = "unbiased_kl"
    gradients = ("log_prob", "old_log_prob", "ref_log_prob")
    cases = [
        case(en="on policy", zh="同策略", batch=3, seq_len=7, mode=ON, factor=64),
        case(en="off policy", zh="异策略", batch=3, seq_len=7, mode=OFF, factor=64),
        case(en="on policy, old log-probabilities given", zh="同策略，也给了旧的对数概率", batch=2, seq_len=6, mode=ON, old=True, factor=64),
        case(en="far off policy, several turns", zh="离采样策略很远，多轮对话", batch=3, seq_len=9, mode=OFF, spread=1.5, mask="random", factor=64),
        case(en="value", zh="数值", batch=3, seq_len=7, mode=VALUE, factor=64),
        case(en="value, old log-probabilities given", zh="数值，也给了旧的对数概率", batch=2, seq_len=6, mode=VALUE, old=True, factor=64),
        case(en="as many responses as tokens", zh="回复数等于 token 数", batch=5, seq_len=5, mode=OFF, factor=64),
    ]  # fmt: skip
    edges = [
        case(en="a response without tokens", zh="有一条回复没有 token", batch=3, seq_len=6, mode=ON, empty=True, factor=64),
        case(en="no response token, on policy", zh="没有回复 token，同策略", batch=2, seq_len=4, mode=ON, mask="none", factor=64),
        case(en="no response token, off policy", zh="没有回复 token，异策略", batch=2, seq_len=4, mode=OFF, mask="none", factor=64),
        case(en="no response token, value", zh="没有回复 token，数值", batch=2, seq_len=4, mode=VALUE, mask="none", factor=64),
        case(en="one response token in all", zh="总共只有一个回复 token", batch=2, seq_len=4, mode=OFF, mask="one", factor=64),
        case(en="the policy is the reference", zh="策略等于参考模型", batch=2, seq_len=5, mode=ON, apart=0.0, factor=64),
        case(en="policy and reference far apart", zh="策略与参考模型相差很远", batch=2, seq_len=5, mode=ON, apart=6.0, factor=64),
        case(en="padding for which exp overflows, on policy", zh="填充处 exp 会溢出，同策略", batch=3, seq_len=8, mode=ON, padding=1000.0, factor=64),
        case(en="padding for which exp overflows, off policy", zh="填充处 exp 会溢出，异策略", batch=3, seq_len=8, mode=OFF, padding=1000.0, factor=64),
        case(en="padding for which exp overflows, value", zh="填充处 exp 会溢出，数值", batch=3, seq_len=8, mode=VALUE, padding=1000.0, factor=64),
        case(en="129 tokens", zh="129 个 token", batch=2, seq_len=129, mode=OFF, factor=64),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, seq_len, mode, old=False, mask="response", empty=False, spread=0.4, apart=1.0, padding=0.0):  # fmt: skip
        log_prob = -rng.uniform((batch, seq_len), low=0.1, high=4.0)
        ref = rng.uniform((batch, seq_len), low=0.3, high=1.3) * (rng.integers(0, 2, (batch, seq_len)) * 2 - 1)
        ref = log_prob + apart * ref
        sampled = log_prob + (spread * rng.normal((batch, seq_len))).clamp(-5, 5)
        counted = self.counted(rng, mask, batch, seq_len)
        if empty:
            counted[0] = False
        if padding:
            counted[0, -1] = counted[1, -1] = False
            log_prob[~counted] = 0.0
            turned = rng.integers(0, 2, (batch, seq_len)) * 2.0 - 1.0
            turned[0, -1], turned[1, -1] = -1.0, 1.0
            ref, sampled = (torch.where(counted, given, padding * turned) for given in (ref, sampled))
        return {
            "log_prob": log_prob,
            "old_log_prob": sampled if old or mode == OFF else None,
            "ref_log_prob": ref,
            "response_mask": counted,
            "mode": mode,
        }

    def counted(self, rng, mask, batch, seq_len):
        """The mask; "response" pads on the right, by different lengths, and not every row."""
        if mask in ("all", "none"):
            return torch.full((batch, seq_len), mask == "all")
        if mask == "one":
            return torch.arange(batch * seq_len).view(batch, seq_len) == 1
        if mask == "random":
            return rng.bernoulli((batch, seq_len), 0.6) | (torch.arange(seq_len) == 0)
        lengths = (seq_len - torch.arange(batch)[:, None] * 2 - rng.integers(0, 2, (batch, 1))).clamp(min=1)
        lengths[0] = seq_len
        return torch.arange(seq_len) < lengths

    def valid(self, *, batch, seq_len, padding=0.0, **_):
        return batch > (1 if padding else 0) and seq_len > 0

    @check("gradients")
    @title(en="the value carries no gradient", zh="value 不带梯度")
    def test_value_carries_no_gradient(self, attempt, rng):
        inputs = self.inputs(rng, batch=2, seq_len=3, mode=VALUE)
        inputs["log_prob"].requires_grad_()
        if attempt.unbiased_kl(**inputs).requires_grad:
            fail(
                en='mode="value" must be returned without gradient (requires_grad is True): that of k3 is not the KL\'s.',
                zh='mode="value" 的结果不应带梯度（现在 requires_grad 为 True）：k3 的梯度不是 KL 的梯度。',
            )

    @check("gradients")
    @title(en="finite gradients beside any padding", zh="无论填充是什么，梯度都有限")
    def test_gradient_beside_padding(self, attempt, reference, rng):
        for mode in (ON, OFF):
            inputs = self.inputs(rng, batch=3, seq_len=6, mode=mode, padding=1000.0)
            one = {0: torch.ones(())}
            _, yours = attempt.vjp(attempt["unbiased_kl"], inputs, self.gradients, one)
            _, right = reference.vjp(reference["unbiased_kl"], inputs, self.gradients, one)
            for name in yours:
                assert_close(
                    yours[name].flatten(),
                    right[name].flatten(),
                    en=f"{mode}, log-probabilities 1000 apart outside the mask: the gradient of {name} must be finite and right",
                    zh=f"{mode}，掩码之外的对数概率相差 1000 时，{name} 的梯度必须有限且正确",
                )

    @check("gradients")
    @title(en="gradients without response tokens", zh="没有回复 token 时的梯度")
    def test_gradient_of_nothing(self, attempt, rng):
        for mode in (ON, OFF):
            inputs = self.inputs(rng, batch=2, seq_len=3, mode=mode, mask="none")
            _, yours = attempt.vjp(attempt["unbiased_kl"], inputs, ("log_prob",), {0: torch.ones(())})
            assert_close(
                yours["log_prob"],
                torch.zeros(2, 3),
                en=f"{mode}, no response token in the batch: the gradient must be 0",
                zh=f"{mode}，整个 batch 没有回复 token 时，梯度必须为 0",
            )

    @title(en="expected value and gradient are those of the KL", zh="期望的数值与梯度就是 KL 的数值与梯度")
    def test_expectations(self, attempt, rng):
        tokens = torch.repeat_interleave(torch.arange(5), torch.tensor(COUNTS))[rng.permutation(16)]
        sampled = torch.tensor(COUNTS).double().div(16).log()
        other, ref = (rng.normal((5,)).double().log_softmax(-1) for _ in range(2))
        for mode, policy in ((ON, sampled), (OFF, other)):
            inputs = {
                "log_prob": policy[tokens][None].float(),
                "old_log_prob": sampled[tokens][None].float() if mode == OFF else None,
                "ref_log_prob": ref[tokens][None].float(),
                "response_mask": torch.ones(1, 16, dtype=torch.bool),
                "mode": mode,
            }
            value, found = attempt.vjp(attempt["unbiased_kl"], inputs, ("log_prob",), {0: torch.ones(())})
            p, kl = policy.exp(), (policy.exp() * (policy - ref)).sum()
            by_token = torch.zeros(5, dtype=torch.float64).index_add(0, tokens, found["log_prob"][0].double())
            assert_close(
                value,
                kl,
                en=f"{mode}: over 16 tokens that occur just as often as they are likely, the mean is the KL itself",
                zh=f"{mode}：16 个 token 出现的次数恰好与概率成比例时，平均值就是 KL 本身",
                reduction=4096,  # 128 roundoffs: log-probabilities were rounded to float32
            )
            assert_close(
                (by_token - p * by_token.sum()).float(),  # through the softmax to the logits
                p * (policy - ref - kl),
                en=f"{mode}: over 16 tokens that occur just as often as they are likely, the gradient of the logits is that of the KL",
                zh=f"{mode}：16 个 token 出现的次数恰好与概率成比例时，对 logit 的梯度就是 KL 的梯度",
                reduction=4096,
            )

    @title(en="an unknown mode is an error", zh="未知的 mode 报错")
    def test_unknown_mode(self, attempt, rng):
        inputs = self.inputs(rng, batch=2, seq_len=3, mode="grad", old=True)
        raises(
            lambda: attempt.unbiased_kl(**inputs),
            "ValueError",
            en='mode="grad" must raise a ValueError: a typing error in a configuration would otherwise go unnoticed',
            zh='mode="grad" 应抛出 ValueError：否则配置里的笔误不会被发现',
        )

    @check("cost")
    @title(en="no loop over tokens or responses", zh="不逐 token 或逐条回复循环")
    def test_no_loop(self, attempt, rng):
        small, large = (self.inputs(rng, batch=size, seq_len=size, mode=OFF, mask="all") for size in (4, 16))
        assert_growth(
            attempt.profile("unbiased_kl", **small),
            attempt.profile("unbiased_kl", **large),
            "operations",
            at_most=1.5,
            en="From (4, 4) to (16, 16) your calls of torch grow in number: a Python loop over tokens or responses.",
            zh="从 (4, 4) 到 (16, 16)，torch 调用的次数也跟着增加：你用 Python 逐 token 或逐条回复循环。",
        )
