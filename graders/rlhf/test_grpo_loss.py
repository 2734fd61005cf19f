"""Grader of the GRPO loss."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, fail, raises, title

TOKENS, NORM = "token-mean", "seq-mean-token-sum-norm"


class TestGRPOLoss(FunctionSuite):
    """No token is nearly as likely under the reference as under the policy: k3 by its plain formula would cancel there."""

    entry = "grpo_loss"
    outputs = ("loss", "kl", "clip_frac")
    gradients = ("log_prob", "old_log_prob", "ref_log_prob", "advantages")
    cases = [
        case(en="mean of the means, as in the paper", zh="先按回复再取平均（论文）", batch=3, seq_len=8),
        case(en="token mean", zh="按 token 平均", batch=3, seq_len=8, agg=TOKENS, beta=0.3),
        case(en="divided by a constant length", zh="除以固定长度", batch=3, seq_len=8, agg=NORM, beta=0.3),
        case(en="sampled by the present policy", zh="由当前策略采样", batch=3, seq_len=6, on_policy=True, beta=0.1),
        case(en="a large beta, clip_eps 0.1, several turns", zh="很大的 beta，clip_eps 为 0.1，多轮对话", batch=4, seq_len=9, beta=2.0, clip_eps=0.1, mask="random"),
        case(en="beta 0", zh="beta 为 0", batch=3, seq_len=7, beta=0.0),
        case(en="as many responses as tokens", zh="回复数等于 token 数", batch=5, seq_len=5, beta=0.1),
        case(en="all advantages negative, clip_eps 0.4", zh="优势全为负，clip_eps 为 0.4", batch=2, seq_len=7, sign=-1, spread=0.8, clip_eps=0.4),
    ]  # fmt: skip
    edges = [
        case(en="a response without tokens", zh="有一条回复没有 token", batch=3, seq_len=6, empty=True),
        case(en="a response without tokens, token mean", zh="有一条回复没有 token，按 token 平均", batch=3, seq_len=6, empty=True, agg=TOKENS),
        case(en="a response without tokens, constant length", zh="有一条回复没有 token，除以固定长度", batch=3, seq_len=6, empty=True, agg=NORM),
        case(en="no response token at all", zh="没有任何回复 token", batch=2, seq_len=4, mask="none"),
        case(en="no response token at all, token mean", zh="没有任何回复 token，按 token 平均", batch=2, seq_len=4, mask="none", agg=TOKENS),
        case(en="no response token at all, constant length", zh="没有任何回复 token，除以固定长度", batch=2, seq_len=4, mask="none", agg=NORM),
        case(en="one response token in all", zh="总共只有一个回复 token", batch=2, seq_len=4, mask="one", agg=TOKENS),
        case(en="one response token in all, mean of the means", zh="总共只有一个回复 token，先按回复再取平均", batch=2, seq_len=4, mask="one"),
        case(en="padding for which exp overflows", zh="填充处 exp 会溢出", batch=3, seq_len=8, padding=1000.0),
        case(en="padding for which exp overflows, on policy", zh="填充处 exp 会溢出，由当前策略采样", batch=3, seq_len=8, padding=1000.0, on_policy=True, agg=NORM),
        case(en="65 tokens", zh="65 个 token", batch=2, seq_len=65, reduction=130),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, seq_len, sign=0, mask="response", empty=False, spread=0.4, padding=0.0, on_policy=False, **options):  # fmt: skip
        log_prob = -rng.uniform((batch, seq_len), low=0.1, high=4.0)
        old = log_prob + (spread * rng.normal((batch, seq_len))).clamp(-4, 4)
        ref = log_prob + rng.uniform((batch, seq_len), low=0.3, high=1.3) * (
            rng.integers(0, 2, (batch, seq_len)) * 2 - 1
        )
        advantages = rng.normal((batch,))
        if sign:
            advantages = sign * advantages.abs()
        counted = self.counted(rng, mask, batch, seq_len)
        if empty:
            counted[0] = False
        if padding:
            counted[0, -1] = False
            log_prob[~counted] = 0.0
            turned = rng.integers(0, 2, (batch, seq_len)) * 2.0 - 1.0
            old, ref = (torch.where(counted, given, padding * turned) for given in (old, ref))
            old[0, -1] = ref[0, -1] = -padding
            ref[1, -1] = padding
        inputs = {
            "log_prob": log_prob,
            "old_log_prob": None if on_policy else old,
            "ref_log_prob": ref,
            "advantages": advantages,
            "response_mask": counted,
        }
        return inputs | options

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
    @title(en="finite gradients beside any padding", zh="无论填充是什么，梯度都有限")
    def test_gradient_beside_padding(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=3, seq_len=6, padding=1000.0)
        one = {0: torch.ones(())}
        _, yours = attempt.vjp(attempt["grpo_loss"], inputs, self.gradients, one)
        _, right = reference.vjp(reference["grpo_loss"], inputs, self.gradients, one)
        for name in self.gradients:
            assert_close(
                yours[name].flatten(),
                right[name].flatten(),
                en=f"log-probabilities 1000 apart outside the mask: the gradient of {name} must be finite and right",
                zh=f"掩码之外的对数概率相差 1000 时，{name} 的梯度必须有限且正确",
            )

    @check("gradients")
    @title(en="gradients without response tokens", zh="没有回复 token 时的梯度")
    def test_gradient_of_nothing(self, attempt, rng):
        for agg in ("seq-mean-token-mean", TOKENS, NORM):
            inputs = self.inputs(rng, batch=2, seq_len=3, mask="none", agg=agg)
            _, yours = attempt.vjp(attempt["grpo_loss"], inputs, self.gradients, {0: torch.ones(())})
            assert_close(
                yours["log_prob"],
                torch.zeros(2, 3),
                en=f"no response token in the batch, {agg}: the gradient of log_prob must be 0",
                zh=f"整个 batch 没有回复 token，模式为 {agg}：log_prob 的梯度必须为 0",
            )

    @check("gradients")
    @title(en="kl and clip_frac carry no gradient", zh="kl 与 clip_frac 不带梯度")
    def test_metrics_carry_no_gradient(self, attempt, rng):
        inputs = self.inputs(rng, batch=2, seq_len=4)
        for name in self.gradients:
            inputs[name].requires_grad_()
        _, *metrics = attempt.grpo_loss(**inputs)
        for name, metric in zip(self.outputs[1:], metrics, strict=True):
            if metric.requires_grad:
                fail(
                    en=f"`{name}` must be returned without gradient (requires_grad is True).",
                    zh=f"`{name}` 返回时不应带梯度（现在 requires_grad 为 True）。",
                )

    @title(en="an unknown aggregation is an error", zh="未知的 agg 报错")
    def test_unknown_aggregation(self, attempt, rng):
        inputs = self.inputs(rng, batch=2, seq_len=3, agg="seq-mean")
        raises(
            lambda: attempt.grpo_loss(**inputs),
            "ValueError",
            en='agg="seq-mean" must raise a ValueError: a typing error in a configuration would otherwise go unnoticed',
            zh='agg="seq-mean" 应抛出 ValueError：否则配置里的笔误不会被发现',
        )

    @check("cost")
    @title(en="no loop over tokens or responses", zh="不逐 token 或逐条回复循环")
    def test_no_loop(self, attempt, rng):
        small, large = (self.inputs(rng, batch=size, seq_len=size, mask="all") for size in (4, 16))
        assert_growth(
            attempt.profile("grpo_loss", **small),
            attempt.profile("grpo_loss", **large),
            "operations",
            at_most=1.5,
            en="From (4, 4) to (16, 16) your calls of torch grow in number: a Python loop over tokens or responses.",
            zh="从 (4, 4) 到 (16, 16)，torch 调用的次数也跟着增加：你用 Python 逐 token 或逐条回复循环。",
        )
