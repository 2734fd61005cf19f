"""Grader of the clipped policy loss of PPO."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, fail, title


class TestPPOPolicyLoss(FunctionSuite):
    entry = "ppo_policy_loss"
    outputs = ("loss", "clip_frac", "approx_kl")
    gradients = ("log_prob", "old_log_prob", "advantages")
    cases = [
        case(en="responses of different lengths", zh="长短不一的回复", batch=3, seq_len=8),
        case(en="all advantages positive", zh="优势全为正", batch=2, seq_len=7, sign=1),
        case(en="all advantages negative", zh="优势全为负", batch=2, seq_len=7, sign=-1),
        case(en="clip_eps 0.1, several turns", zh="clip_eps 为 0.1，多轮对话", batch=3, seq_len=10, mask="random", clip_eps=0.1),
        case(en="clip_eps 0.4", zh="clip_eps 为 0.4", batch=2, seq_len=9, spread=0.8, clip_eps=0.4),
        case(en="every token counts", zh="全部 token 计入", batch=2, seq_len=5, mask="all"),
        case(en="as many responses as tokens", zh="回复数等于 token 数", batch=6, seq_len=6),
    ]  # fmt: skip
    edges = [
        case(en="on policy: all ratios 1", zh="同策略：比值全为 1", batch=2, seq_len=6, spread=0.0),
        case(en="no response token at all", zh="没有任何回复 token", batch=2, seq_len=4, mask="none"),
        case(en="one response token in all", zh="总共只有一个回复 token", batch=2, seq_len=4, mask="one"),
        case(en="a response without tokens", zh="有一条回复没有 token", batch=3, seq_len=6, empty=True),
        case(en="far off policy", zh="策略相差很远", batch=2, seq_len=9, spread=3.0),
        case(en="padding for which exp overflows", zh="填充处 exp 会溢出", batch=3, seq_len=8, padding=1000.0),
        case(en="129 tokens", zh="129 个 token", batch=2, seq_len=129, reduction=258),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, seq_len, sign=0, mask="response", empty=False, spread=0.4, padding=0.0, **options):
        old = rng.uniform((batch, seq_len), low=-4.0, high=-0.1)
        log_prob = old + (spread * rng.normal((batch, seq_len))).clamp(-9, 9)
        advantages = rng.normal((batch, seq_len))
        if sign:
            advantages = sign * advantages.abs()
        counted = self.counted(rng, mask, batch, seq_len)
        if empty:
            counted[0] = False
        if padding:  # one side, then the other
            log_prob[~counted] = 0.0
            old[~counted] = padding * (rng.integers(0, 2, (batch, seq_len))[~counted] * 2.0 - 1.0)
            advantages[~counted] = 30.0
            counted_some = counted.clone()
            counted_some[0, -1] = False
            counted = counted_some
            log_prob[0, -1], old[0, -1], advantages[0, -1] = 0.0, -padding, -7.0
        inputs = {"log_prob": log_prob, "old_log_prob": old, "advantages": advantages, "response_mask": counted}
        return inputs | options

    def counted(self, rng, mask, batch, seq_len):
        """The mask; "response" pads on the right, and not every row."""
        if mask in ("all", "none"):
            return torch.full((batch, seq_len), mask == "all")
        if mask == "one":
            return torch.arange(batch * seq_len).view(batch, seq_len) == 1
        if mask == "random":
            return rng.bernoulli((batch, seq_len), 0.6)
        lengths = rng.integers((seq_len + 1) // 2, seq_len, (batch, 1)) if seq_len > 1 else torch.ones(batch, 1)
        lengths[0] = seq_len
        return torch.arange(seq_len) < lengths

    def valid(self, *, batch, seq_len, **_):
        return batch > 0 and seq_len > 0

    @check("gradients")
    @title(en="finite gradients beside any padding", zh="无论填充是什么，梯度都有限")
    def test_gradient_beside_padding(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=3, seq_len=6, padding=1000.0)
        one = {0: torch.ones(())}
        _, yours = attempt.vjp(attempt["ppo_policy_loss"], inputs, self.gradients, one)
        _, right = reference.vjp(reference["ppo_policy_loss"], inputs, self.gradients, one)
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
        inputs = self.inputs(rng, batch=2, seq_len=3, mask="none")
        _, yours = attempt.vjp(attempt["ppo_policy_loss"], inputs, self.gradients, {0: torch.ones(())})
        assert_close(
            yours["log_prob"],
            torch.zeros(2, 3),
            en="no response token in the batch: the gradient of log_prob must be 0",
            zh="整个 batch 没有回复 token 时，log_prob 的梯度必须为 0",
        )

    @check("gradients")
    @title(en="clip_frac and approx_kl carry no gradient", zh="clip_frac 与 approx_kl 不带梯度")
    def test_metrics_carry_no_gradient(self, attempt, rng):
        inputs = self.inputs(rng, batch=2, seq_len=4)
        for name in self.gradients:
            inputs[name].requires_grad_()
        _, *metrics = attempt.ppo_policy_loss(**inputs)
        for name, metric in zip(self.outputs[1:], metrics, strict=True):
            if metric.requires_grad:
                fail(
                    en=f"`{name}` must be returned without gradient (requires_grad is True).",
                    zh=f"`{name}` 返回时不应带梯度（现在 requires_grad 为 True）。",
                )

    @check("cost")
    @title(en="no loop over tokens or responses", zh="不逐 token 或逐条回复循环")
    def test_no_loop(self, attempt, rng):
        small, large = (self.inputs(rng, batch=size, seq_len=size, mask="all") for size in (4, 16))
        assert_growth(
            attempt.profile("ppo_policy_loss", **small),
            attempt.profile("ppo_policy_loss", **large),
            "operations",
            at_most=1.5,
            en="From (4, 4) to (16, 16) your calls of torch grow in number: a Python loop over tokens or responses.",
            zh="从 (4, 4) 到 (16, 16)，torch 调用的次数也跟着增加：你用 Python 逐 token 或逐条回复循环。",
        )
