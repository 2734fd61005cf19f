"""Grader of verl's generalized advantage estimation."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_growth, case, check, fail, title

FACTOR = 128
"""Roundoffs of a row's largest number: values cancel in advantages, and again in whitening; honest answers were measured at 40."""
PATTERNS = {
    "padded": ("111111", "111000", "111100"),
    "turns": ("110011", "011101", "101010"),
    "ends": ("111110", "100000", "000001"),
    "all": ("111111",),
    "none": ("000000",),
    "leading": ("000111", "001100"),
    "single": ("1",),
}


class TestGAE(FunctionSuite):
    entry = "compute_gae_advantage_return"
    outputs = ("advantages", "returns")
    cases = [
        case(en="padding at the end", zh="末尾有填充", batch=3, repeat=1, pattern="padded", gamma=0.9, lam=0.8, factor=FACTOR),
        case(en="turns of a tool between", zh="中间夹着工具轮次", batch=3, repeat=1, pattern="turns", gamma=0.9, lam=0.8, factor=FACTOR),
        case(en="nothing masked", zh="没有掩码", batch=2, repeat=1, pattern="all", gamma=0.5, lam=0.9, factor=FACTOR),
        case(en="one token of its own, first or last", zh="只有首或尾一个自己的 token", batch=3, repeat=1, pattern="ends", gamma=0.9, lam=0.6, factor=FACTOR),
        case(en="gamma 1, lam 0.95, one reward at the end", zh="gamma 为 1、lam 为 0.95，只有末尾有奖励", batch=3, repeat=2, pattern="turns", gamma=1.0, lam=0.95, sparse=True, factor=FACTOR),
        case(en="lam 0", zh="lam 为 0", batch=2, repeat=1, pattern="turns", gamma=0.9, lam=0.0, factor=FACTOR),
        case(en="gamma 1, lam 1", zh="gamma 与 lam 都为 1", batch=3, repeat=1, pattern="padded", gamma=1.0, lam=1.0, factor=FACTOR),
    ]  # fmt: skip
    edges = [
        case(en="a prompt before", zh="前面有提示", batch=2, repeat=1, pattern="leading", gamma=0.9, lam=0.8, factor=FACTOR),
        case(en="a response without tokens", zh="有一条回复没有 token", batch=4, repeat=1, pattern="turns", gamma=0.9, lam=0.8, empty=1, factor=FACTOR),
        case(en="two tokens in all", zh="总共两个 token", batch=2, repeat=1, pattern="all", gamma=0.9, lam=0.8, tokens=2, factor=FACTOR),
        case(en="one token in all", zh="总共一个 token", batch=2, repeat=1, pattern="all", gamma=0.9, lam=0.8, tokens=1),
        case(en="no token at all", zh="没有任何 token", batch=2, repeat=1, pattern="none", gamma=0.9, lam=0.8),
        case(en="equal advantages", zh="优势全相等", batch=2, repeat=1, pattern="all", gamma=0.0, lam=0.0, apart=0),
        case(en="advantages that hardly differ", zh="优势相差极小", batch=2, repeat=1, pattern="all", gamma=0.0, lam=0.0, apart=1),
        case(en="responses of one token", zh="只有一个 token 的回复", batch=3, repeat=1, pattern="single", gamma=0.9, lam=0.8, factor=FACTOR),
        case(en="as many responses as tokens", zh="回复数等于 token 数", batch=6, repeat=1, pattern="turns", gamma=0.9, lam=0.8, factor=FACTOR),
        case(en="126 tokens", zh="126 个 token", batch=3, repeat=21, pattern="turns", gamma=0.99, lam=0.95, factor=FACTOR),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, repeat, pattern, gamma, lam, sparse=False, empty=0, tokens=None, apart=None):
        rows = [[int(bit) for bit in PATTERNS[pattern][row % len(PATTERNS[pattern])]] * repeat for row in range(batch)]
        mask = torch.tensor(rows)
        mask[:empty] = 0
        if tokens is not None:
            mask = torch.zeros_like(mask)
            mask.view(-1)[2 : 2 + tokens] = 1
        rewards = rng.uniform(mask.shape, low=0.5, high=1.5) * (rng.integers(0, 2, mask.shape) * 2 - 1)
        if sparse:
            rewards[:, :-1] = 0.0
        values = rng.uniform(mask.shape, low=-1.0, high=3.0)
        if apart is not None:  # advantages of ½ and a few 2⁻¹³, without any rounding: their variance is about 10⁻⁸
            values = rng.integers(-8, 9, mask.shape) / 8
            rewards = values + 0.5 + apart * rng.integers(-2, 3, mask.shape) / 8192
            rewards[0, 0] += apart / 8192
        return {"token_level_rewards": rewards, "values": values, "response_mask": mask, "gamma": gamma, "lam": lam}

    def valid(self, *, batch, repeat, **_):
        return batch > 0 and repeat > 0

    @check("gradients")
    @title(en="advantages and returns carry no gradient", zh="优势与回报不带梯度")
    def test_constants(self, attempt, rng):
        inputs = self.inputs(rng, batch=3, repeat=1, pattern="turns", gamma=0.9, lam=0.8)
        for name in ("token_level_rewards", "values"):
            inputs[name].requires_grad_()
        for name, output in zip(self.outputs, attempt.compute_gae_advantage_return(**inputs), strict=True):
            if output.requires_grad:
                fail(
                    en=f"`{name}` carries a gradient where rewards and values require one. Both are constants for the "
                    "losses: compute without grad.",
                    zh=f"rewards 与 values 需要梯度时，`{name}` 也带上了梯度。两者对损失来说都是常量：应在 no_grad 下计算。",
                )

    @check("cost")
    @title(en="no loop over the responses", zh="不逐条回复循环")
    def test_no_loop_over_rows(self, attempt, rng):
        few, many = (self.inputs(rng, batch=batch, repeat=1, pattern="turns", gamma=0.9, lam=0.8) for batch in (4, 64))
        assert_growth(
            attempt.profile(self.entry, **few),
            attempt.profile(self.entry, **many),
            "operations",
            at_most=1.5,
            en="From 4 to 64 responses your calls of torch grow in number: a Python loop over the responses. Take one token "
            "of all of them at once.",
            zh="从 4 条到 64 条回复，torch 调用的次数也跟着增加：你用 Python 逐条回复循环。每一步应对所有回复一起算。",
        )
