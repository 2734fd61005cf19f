"""Grader of verl's clipped value loss."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_growth, case, check, title

TOKEN, SUM, MEAN = "token-mean", "seq-mean-token-sum", "seq-mean-token-mean"


class TestValueLoss(FunctionSuite):
    """Values are multiples of 1/64: within reach of the old ones they are then clipped without any rounding."""

    entry = "compute_value_loss"
    outputs = ("vf_loss", "vf_clipfrac")
    gradients = ("vpreds", "returns", "values")
    cases = [
        case(en="responses of different lengths", zh="长短不一的回复", batch=3, length=8),
        case(en="predictions moved towards the returns", zh="预测朝回报移动", batch=2, length=7, moved="towards"),
        case(en="seq-mean-token-mean", zh="seq-mean-token-mean", batch=3, length=8, mode=MEAN),
        case(en="seq-mean-token-sum, several turns", zh="seq-mean-token-sum，多轮对话", batch=3, length=9, mode=SUM, mask="random"),
        case(en="predictions moved away from the returns", zh="预测背离回报移动", batch=2, length=7, moved="away"),
        case(en="cliprange_value 0.1", zh="cliprange_value 为 0.1", batch=3, length=6, cliprange=0.1),
        case(en="as many responses as tokens", zh="回复数等于 token 数", batch=6, length=6, cliprange=0.7),
    ]  # fmt: skip
    edges = [
        case(en="the first epoch: predictions are the old values", zh="第一轮：预测等于旧价值", batch=2, length=6, moved="not"),
        case(en="no token at all", zh="没有任何 token", batch=2, length=4, mask="none"),
        case(en="one token in all", zh="总共一个 token", batch=2, length=4, mask="one"),
        case(en="a response without tokens", zh="有一条回复没有 token", batch=3, length=6, mode=MEAN, empty=True),
        case(en="returns around 100", zh="回报在 100 左右", batch=2, length=5, offset=100.0),
        case(en="129 tokens", zh="129 个 token", batch=2, length=129, reduction=258),
    ]  # fmt: skip

    def inputs(
        self, rng, *, batch, length, mode=TOKEN, mask="response", empty=False, moved="", offset=0.0, cliprange=0.2
    ):
        old = rng.integers(-128, 129, (batch, length)) / 64
        steps = rng.integers(1, 64, (batch, length)) / 64 * (rng.integers(0, 2, (batch, length)) * 2 - 1)
        returns = old + 3 * rng.normal((batch, length)) + offset
        if moved in ("towards", "away"):
            steps = steps.abs() * (returns - old).sign() * (1 if moved == "towards" else -1)
        if moved == "not":
            steps = torch.zeros(batch, length)
        counted = self.counted(rng, mask, batch, length)
        if empty:
            counted[0] = 0
        return {
            "vpreds": old + steps,
            "returns": returns,
            "values": old,
            "response_mask": counted,
            "cliprange_value": cliprange,
            "loss_agg_mode": mode,
        }

    def counted(self, rng, mask, batch, length):
        """The mask; "response" pads on the right, and not every row."""
        if mask == "none":
            return torch.zeros(batch, length, dtype=torch.int64)
        if mask == "one":
            return torch.arange(batch * length).view(batch, length).eq(1).long()
        if mask == "random":
            return rng.bernoulli((batch, length), 0.6).long()
        lengths = rng.integers((length + 1) // 2, length, (batch, 1)) if length > 1 else torch.ones(batch, 1)
        lengths[0] = length
        return (torch.arange(length) < lengths).long()

    def valid(self, *, batch, length, **_):
        return batch > 0 and length > 0

    @check("cost")
    @title(en="no loop over tokens or responses", zh="不逐 token 或逐条回复循环")
    def test_no_loop(self, attempt, rng):
        small, large = (self.inputs(rng, batch=size, length=size) for size in (4, 64))
        assert_growth(
            attempt.profile("compute_value_loss", **small),
            attempt.profile("compute_value_loss", **large),
            "operations",
            at_most=1.4,
            en="From (4, 4) to (64, 64) your calls of torch grow in number: a Python loop over tokens or responses.",
            zh="从 (4, 4) 到 (64, 64)，torch 调用的次数也跟着增加：你用 Python 逐 token 或逐条回复循环。",
        )
