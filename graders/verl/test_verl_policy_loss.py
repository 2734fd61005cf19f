"""Grader of verl's policy loss with asymmetric and dual clip."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_growth, case, check, title

TOKEN, SUM, MEAN = "token-mean", "seq-mean-token-sum", "seq-mean-token-mean"


class TestPolicyLoss(FunctionSuite):
    """Log-ratios are multiples of 1/64 away from the bounds, advantages are well away from 0."""

    entry = "compute_policy_loss_vanilla"
    outputs = ("loss", "metrics")
    gradients = ("log_prob", "old_log_prob", "advantages")
    cases = [
        case(en="responses of different lengths", zh="长短不一的回复", batch=3, length=8, factor=32),
        case(en="asymmetric clip", zh="非对称裁剪", batch=3, length=8, low=0.1, high=0.4, factor=32),
        case(en="weights of the rollout", zh="带 rollout 权重", batch=2, length=7, weights=True, factor=32),
        case(en="seq-mean-token-mean, clip_ratio_c 1.5", zh="seq-mean-token-mean，clip_ratio_c 为 1.5", batch=3, length=8, mode=MEAN, c=1.5, factor=32),
        case(en="seq-mean-token-sum, several turns", zh="seq-mean-token-sum，多轮对话", batch=3, length=9, mode=SUM, mask="random", factor=32),
        case(en="clip_ratio 0.4, only the upper one given", zh="clip_ratio 为 0.4，只给了上界", batch=2, length=9, clip=0.4, high=0.6, factor=32),
        case(en="clip_ratio 0.4, only the lower one given", zh="clip_ratio 为 0.4，只给了下界", batch=2, length=9, clip=0.4, low=0.1, factor=32),
        case(en="a negative advantage and large ratios", zh="优势为负且比值很大", batch=2, length=6, sign=-1, spread=2, factor=32),
        case(en="as many responses as tokens", zh="回复数等于 token 数", batch=6, length=6, factor=32),
    ]  # fmt: skip
    edges = [
        case(en="the first minibatch: all ratios 1", zh="第一个 minibatch：比值都是 1", batch=2, length=6, spread=0, factor=32),
        case(en="log-ratios up to 1000", zh="对数比值达 1000", batch=2, length=6, spread=1000, factor=1024),
        case(en="log-ratios up to 1000, negative advantages", zh="对数比值达 1000，优势为负", batch=2, length=6, spread=1000, sign=-1, factor=1024),
        case(en="clip_ratio_low 0", zh="clip_ratio_low 为 0", batch=2, length=6, low=0.0, sign=-1, factor=32),
        case(en="clip_ratio_c 1", zh="clip_ratio_c 为 1", batch=2, length=3, c=1.0),
        case(en="no token at all", zh="没有任何 token", batch=2, length=4, mask="none"),
        case(en="one token in all", zh="总共一个 token", batch=2, length=4, mask="one", factor=32),
        case(en="a response without tokens", zh="有一条回复没有 token", batch=3, length=6, mode=MEAN, mask="empty", factor=32),
        case(en="129 tokens", zh="129 个 token", batch=2, length=129, factor=64),
    ]  # fmt: skip

    def inputs(
        self, rng, *, batch, length, mode=TOKEN, mask="response", clip=None, low=None, high=None, c=None, weights=False, sign=0, spread=1,
    ):  # fmt: skip
        steps = (rng.integers(2, 65, (batch, length)) / 64) * spread  # half of them far enough to be clipped
        log_ratio = steps * (rng.integers(0, 2, (batch, length)) * 2 - 1)
        log_ratio[:, ::3] = log_ratio[:, ::3].abs() + 0.25 * (spread > 0)
        old = -rng.integers(32, 129, (batch, length)) / 32 - log_ratio.clamp(min=0)  # the new one is below 0, too
        advantages = rng.uniform((batch, length), low=0.5, high=2.0)
        advantages *= sign or rng.integers(0, 2, (batch, length)) * 2 - 1
        if not sign:
            advantages[:, ::2] = advantages[:, ::2].abs()
            advantages[0] = -advantages[0]
        given = {"clip_ratio": clip, "clip_ratio_low": low, "clip_ratio_high": high, "clip_ratio_c": c}
        options = {name: value for name, value in given.items() if value is not None}
        if weights:
            options["rollout_is_weights"] = rng.uniform((batch, length), low=0.25, high=2.0)
        return {
            "old_log_prob": old,
            "log_prob": old + log_ratio,
            "advantages": advantages,
            "response_mask": self.counted(rng, mask, batch, length),
            "loss_agg_mode": mode,
        } | options

    def counted(self, rng, mask, batch, length):
        """The mask; "response" pads on the right, and not every row."""
        if mask == "none":
            return torch.zeros(batch, length, dtype=torch.int64)
        if mask == "one":
            return torch.arange(batch * length).view(batch, length).eq(1).long()
        if mask == "random":
            return rng.bernoulli((batch, length), 0.6).long()
        lengths = rng.integers((length + 1) // 2, length, (batch, 1)) if length > 1 else torch.ones(batch, 1)
        lengths[0] = 0 if mask == "empty" else length
        return (torch.arange(length) < lengths).long()

    def valid(self, *, batch, length, **_):
        return batch > 0 and length > 0

    @check("cost")
    @title(en="no loop over tokens or responses", zh="不逐 token 或逐条回复循环")
    def test_no_loop(self, attempt, rng):
        small, large = (self.inputs(rng, batch=size, length=size) for size in (4, 64))
        assert_growth(
            attempt.profile(self.entry, **small),
            attempt.profile(self.entry, **large),
            "operations",
            at_most=1.3,
            en="From (4, 4) to (64, 64) your calls of torch grow in number: a Python loop over tokens or responses.",
            zh="从 (4, 4) 到 (64, 64)，torch 调用的次数也跟着增加：你用 Python 逐 token 或逐条回复循环。",
        )
