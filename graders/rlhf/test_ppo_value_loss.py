"""Grader of the clipped value loss of PPO."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, title


class TestPPOValueLoss(FunctionSuite):
    """Values are multiples of 1/64: within ε of the old ones, V_old + clip(V − V_old) is then V without any rounding."""

    entry = "ppo_value_loss"
    outputs = ("loss", "clip_frac")
    gradients = ("values", "old_values", "returns")
    cases = [
        case(en="responses of different lengths", zh="长短不一的回复", batch=3, seq_len=8),
        case(en="values moved towards the returns", zh="价值朝回报移动", batch=2, seq_len=7, moved="towards"),
        case(en="values moved away from the returns", zh="价值背离回报移动", batch=2, seq_len=7, moved="away"),
        case(en="clip_eps 0.1, several turns", zh="clip_eps 为 0.1，多轮对话", batch=3, seq_len=10, mask="random", clip_eps=0.1),
        case(en="clip_eps 0.7", zh="clip_eps 为 0.7", batch=2, seq_len=9, clip_eps=0.7),
        case(en="every token counts", zh="全部 token 计入", batch=2, seq_len=5, mask="all"),
        case(en="as many responses as tokens", zh="回复数等于 token 数", batch=6, seq_len=6),
    ]  # fmt: skip
    edges = [
        case(en="the first epoch: values are the old ones", zh="第一轮：价值等于旧价值", batch=2, seq_len=6, moved="not"),
        case(en="no response token at all", zh="没有任何回复 token", batch=2, seq_len=4, mask="none"),
        case(en="one response token in all", zh="总共只有一个回复 token", batch=2, seq_len=4, mask="one"),
        case(en="a response without tokens", zh="有一条回复没有 token", batch=3, seq_len=6, empty=True),
        case(en="returns around 100", zh="回报在 100 左右", batch=2, seq_len=5, offset=100.0),
        case(en="129 tokens", zh="129 个 token", batch=2, seq_len=129, reduction=258),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, seq_len, mask="response", empty=False, moved="", offset=0.0, **options):
        old = rng.integers(-128, 129, (batch, seq_len)) / 64
        steps = rng.integers(1, 64, (batch, seq_len)) / 64 * (rng.integers(0, 2, (batch, seq_len)) * 2 - 1)
        returns = old + 3 * rng.normal((batch, seq_len)) + offset
        if moved in ("towards", "away"):
            steps = steps.abs() * (returns - old).sign() * (1 if moved == "towards" else -1)
        if moved == "not":
            steps = torch.zeros(batch, seq_len)
        counted = self.counted(rng, mask, batch, seq_len)
        if empty:
            counted[0] = False
        return {"values": old + steps, "old_values": old, "returns": returns, "response_mask": counted} | options

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
    @title(en="gradients without response tokens", zh="没有回复 token 时的梯度")
    def test_gradient_of_nothing(self, attempt, rng):
        inputs = self.inputs(rng, batch=2, seq_len=3, mask="none")
        _, yours = attempt.vjp(attempt["ppo_value_loss"], inputs, self.gradients, {0: torch.ones(())})
        assert_close(
            yours["values"],
            torch.zeros(2, 3),
            en="no response token in the batch: the gradient of values must be 0",
            zh="整个 batch 没有回复 token 时，values 的梯度必须为 0",
        )

    @check("cost")
    @title(en="no loop over tokens or responses", zh="不逐 token 或逐条回复循环")
    def test_no_loop(self, attempt, rng):
        small, large = (self.inputs(rng, batch=size, seq_len=size, mask="all") for size in (4, 16))
        assert_growth(
            attempt.profile("ppo_value_loss", **small),
            attempt.profile("ppo_value_loss", **large),
            "operations",
            at_most=1.5,
            en="From (4, 4) to (16, 16) your calls of torch grow in number: a Python loop over tokens or responses.",
            zh="从 (4, 4) 到 (16, 16)，torch 调用的次数也跟着增加：你用 Python 逐 token 或逐条回复循环。",
        )
