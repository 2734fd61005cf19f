"""Grader of the DPO loss and the sequence log-probabilities that go into it."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, fail, title


class TestSequenceLogps(FunctionSuite):
    """No token is nearly certain: a log-probability near 0 would be smaller than the rounding of logit − logsumexp."""

    entry = "sequence_logps"
    gradients = ("logits",)
    cases = [
        case(en="prompt, response, padding", zh="提示、回复、填充", batch=2, seq_len=6, vocab=5),
        case(en="responses of different lengths", zh="长短不一的回复", batch=4, seq_len=9, vocab=11),
        case(en="every token counts but the first", zh="除首个 token 外全部计入", batch=2, seq_len=5, vocab=7, mask="all"),
        case(en="several turns", zh="多轮对话", batch=3, seq_len=12, vocab=7, mask="random"),
        case(en="labels −100 outside the mask", zh="掩码之外的 label 为 −100", batch=3, seq_len=8, vocab=7, ignored="all"),
        case(en="labels −100 at the padding alone", zh="只有填充处的 label 为 −100", batch=3, seq_len=8, vocab=7, ignored="padding"),
        case(en="as many tokens as vocabulary entries", zh="token 数等于词表大小", batch=5, seq_len=6, vocab=5, mask="random"),
    ]  # fmt: skip
    edges = [
        case(en="one token", zh="只有一个 token", batch=2, seq_len=1, vocab=5, mask="all"),
        case(en="two tokens", zh="两个 token", batch=2, seq_len=2, vocab=5, mask="all"),
        case(en="a row without a response", zh="没有回复的一行", batch=3, seq_len=6, vocab=5, empty=True),
        case(en="257 tokens", zh="257 个 token", batch=2, seq_len=257, vocab=17, reduction=257),
        case(en="banned tokens with logit −inf", zh="被禁用的 token，logit 为 −inf", batch=3, seq_len=9, vocab=7, banned=True, empty=True),
        case(en="logits around 200", zh="200 左右的 logit", batch=2, seq_len=6, vocab=5, offset=200.0),
        case(en="logits of ±10000", zh="±10000 的 logit", batch=3, seq_len=12, vocab=5, mask="all", scale=1e4),
        case(en="logits around −20000, tokens banned", zh="−20000 左右的 logit，有被禁用的 token", batch=3, seq_len=9, vocab=7, mask="all", banned=True, offset=-2e4, scale=20.0),
        case(en="bfloat16 logits", zh="bfloat16 的 logit", batch=3, seq_len=17, vocab=11, scale=4.0, grid=True, dtype="bfloat16"),
        case(en="float16 logits", zh="float16 的 logit", batch=3, seq_len=17, vocab=11, scale=4.0, grid=True, dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, seq_len, vocab, mask="response", ignored="", empty=False, banned=False, **scales):
        logits = rng.normal((batch, seq_len, vocab)) * scales.get("scale", 0.7) + scales.get("offset", 0.0)
        if scales.get("grid"):  # exact in half precision, so that nothing but the answer's own rounding counts
            logits = (8 * logits).round() / 8
        labels = rng.integers(int(banned), vocab - banned, (batch, seq_len))
        counted = self.counted(rng, mask, batch, seq_len)
        if empty:
            counted[0] = False
        if ignored == "all":
            labels[~counted] = -100
        if ignored == "padding":  # the prompt keeps its tokens
            labels[~counted & (counted.cumsum(dim=1) > 0)] = -100
        if banned:  # the first and the last token, also where a label is to be left out
            labels[~counted] = vocab - 1
            logits[..., 0] = logits[..., -1] = -torch.inf
        return {"logits": logits, "labels": labels, "mask": counted}

    def counted(self, rng, mask, batch, seq_len):
        """The mask; a response has a prompt of two tokens or more before it, and padding behind it where that fits."""
        if mask == "all":
            return torch.ones(batch, seq_len, dtype=torch.bool)
        if mask == "random":
            return rng.bernoulli((batch, seq_len), 0.5)
        start = rng.integers(min(2, seq_len - 1), max(seq_len // 2, 2) + 1, (batch, 1))
        stop = rng.integers(seq_len // 2 + 1, seq_len, (batch, 1)) if seq_len > 3 else seq_len
        position = torch.arange(seq_len)
        return (position >= start) & (position < stop)

    def valid(self, *, batch, seq_len, vocab, banned=False, **_):
        return batch > 0 and seq_len > 0 and vocab > (2 if banned else 1)

    @title(en="finite gradients beside banned tokens", zh="有被禁用的 token 时梯度有限")
    def test_gradient_beside_banned_tokens(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=3, seq_len=6, vocab=7, banned=True)
        one = {0: torch.ones(3)}
        _, yours = attempt.vjp(attempt["sequence_logps"], inputs, self.gradients, one)
        _, right = reference.vjp(reference["sequence_logps"], inputs, self.gradients, one)
        assert_close(
            yours["logits"].flatten(),  # 1 − p is no more exact than 1: the scale is that of the whole gradient
            right["logits"].flatten(),
            en="logits of −inf at banned tokens: the gradient must be finite and right",
            zh="被禁用的 token 的 logit 为 −inf 时，梯度必须有限且正确",
        )

    @check("cost")
    @title(en="no loop over the tokens", zh="不逐个 token 循环")
    def test_no_loop_over_tokens(self, attempt, rng):
        short, long = (self.inputs(rng, batch=2, seq_len=tokens, vocab=5, mask="all") for tokens in (16, 64))
        assert_growth(
            attempt.profile("sequence_logps", **short),
            attempt.profile("sequence_logps", **long),
            "operations",
            at_most=1.5,
            en="From 16 to 64 tokens your calls of torch grow in number: a Python loop over the tokens. "
            "Score all positions at once.",
            zh="从 16 个 token 到 64 个 token，torch 调用的次数也跟着增加：你用 Python 逐个 token 循环。应一次算完所有位置。",
        )


class TestDPOLoss(FunctionSuite):
    entry = "dpo_loss"
    outputs = ("loss", "chosen_rewards", "rejected_rewards")
    gradients = ("policy_chosen_logps", "policy_rejected_logps", "ref_chosen_logps", "ref_rejected_logps")
    cases = [
        case(en="a few pairs", zh="几个偏好对", batch=4),
        case(en="one pair", zh="一个偏好对", batch=1),
        case(en="beta 0.5", zh="beta 为 0.5", batch=3, beta=0.5),
        case(en="label smoothing 0.1", zh="标签平滑 0.1", batch=3, label_smoothing=0.1),
        case(en="beta and label smoothing", zh="beta 与标签平滑", batch=5, beta=0.25, label_smoothing=0.3),
        case(en="long responses", zh="长回复", batch=4, level=-2000.0),
    ]  # fmt: skip
    edges = [
        case(en="policy equals reference", zh="策略等于参考模型", batch=3, spread=0.0),
        case(en="129 pairs", zh="129 个偏好对", batch=129, reduction=129),
        case(en="margins of −200", zh="差值为 −200", batch=2, spread=1000.0, margins="negative"),
        case(en="margins of ±200", zh="差值为 ±200", batch=4, spread=1000.0, margins="both"),
        case(en="margins of ±200, smoothed", zh="差值为 ±200，带平滑", batch=4, spread=1000.0, margins="both", label_smoothing=0.1),
        case(en="margins of ±1000", zh="差值为 ±1000", batch=3, spread=5000.0, margins="both", label_smoothing=0.1),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, beta=None, label_smoothing=None, level=-60.0, spread=4.0, margins="moderate"):
        ref_chosen = level * rng.uniform((batch,), low=0.5, high=1.5)
        ref_rejected = level * rng.uniform((batch,), low=0.5, high=1.5)
        if margins != "moderate":  # 2 · beta · spread, the first one negative
            gain = spread * (torch.arange(batch) % 2 * 2.0 - 1.0) if margins == "both" else -spread
            policy_chosen, policy_rejected = ref_chosen + gain, ref_rejected - gain
        else:
            policy_chosen = ref_chosen + spread * rng.normal((batch,))
            policy_rejected = ref_rejected + spread * rng.normal((batch,))
        inputs = {
            "policy_chosen_logps": policy_chosen,
            "policy_rejected_logps": policy_rejected,
            "ref_chosen_logps": ref_chosen,
            "ref_rejected_logps": ref_rejected,
        }
        if beta is not None:
            inputs["beta"] = beta
        if label_smoothing is not None:
            inputs["label_smoothing"] = label_smoothing
        return inputs

    def valid(self, *, batch, **_):
        return batch > 0

    @title(en="finite gradients at margins of ±1000", zh="差值为 ±1000 时梯度有限")
    def test_gradient_of_large_margins(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=4, label_smoothing=0.1, spread=5000.0, margins="both")
        one = {0: torch.ones(())}
        _, yours = attempt.vjp(attempt["dpo_loss"], inputs, self.gradients, one)
        _, right = reference.vjp(reference["dpo_loss"], inputs, self.gradients, one)
        for name in self.gradients:
            assert_close(
                yours[name],
                right[name],
                en=f"margins of ±1000: the gradient of {name} must be finite and right",
                zh=f"差值为 ±1000 时，{name} 的梯度必须有限且正确",
            )

    @title(en="the rewards carry no gradient", zh="reward 不带梯度")
    def test_rewards_carry_no_gradient(self, attempt, rng):
        inputs = self.inputs(rng, batch=3)
        for tensor in inputs.values():
            tensor.requires_grad_()
        _, *rewards = attempt.dpo_loss(**inputs)
        if any(reward.requires_grad for reward in rewards):
            fail(
                en="chosen_rewards and rejected_rewards must be returned without gradient (requires_grad is True).",
                zh="chosen_rewards 与 rejected_rewards 返回时不应带梯度（现在 requires_grad 为 True）。",
            )
