"""Grader of the KL estimators k1, k2 and k3."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_growth, case, check, raises, title

ONE_PER_CENT = 0.01 * 2**24
"""What the statement allows where the policies almost agree, in roundoffs of the largest estimate of a row."""


class TestKLEstimate(FunctionSuite):
    entry = "kl_estimate"
    gradients = ("log_prob", "ref_log_prob")
    cases = [
        case(en="k1", zh="k1", shape=(2, 5), kind="k1"),
        case(en="k2", zh="k2", shape=(2, 5), kind="k2"),
        case(en="k3", zh="k3", shape=(2, 5), kind="k3"),
        case(
            en="k3, policies almost the same",
            zh="k3，两个策略几乎相同",
            shape=(3, 7),
            kind="k3",
            close=True,
            factor=ONE_PER_CENT,
        ),
        case(en="k1 of a square", zh="k1，方阵", shape=(4, 4), kind="k1"),
        case(en="k2, policies far apart", zh="k2，两个策略相差很远", shape=(3, 4), kind="k2", spread=4.0),
        case(en="k3, policies far apart", zh="k3，两个策略相差很远", shape=(3, 4), kind="k3", spread=4.0),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=(), kind="k3"),
        case(en="four dimensions", zh="四维", shape=(2, 3, 1, 4), kind="k2"),
        case(en="k1 of equal policies", zh="k1，策略相同", shape=(6,), kind="k1", spread=0.0),
        case(en="k2 of equal policies", zh="k2，策略相同", shape=(6,), kind="k2", spread=0.0),
        case(en="k3 of equal policies", zh="k3，策略相同", shape=(6,), kind="k3", spread=0.0),
        case(en="k1, gaps of ±18", zh="k1，相差 ±18", shape=(2, 4), kind="k1", gap=18.0),
        case(en="k2, gaps of ±18", zh="k2，相差 ±18", shape=(2, 4), kind="k2", gap=18.0),
        case(en="k3, gaps of 18, the policy the likelier", zh="k3，相差 18，策略概率更大", shape=(2, 4), kind="k3", gap=18.0, one_sided=True),
        case(en="k3, gaps of ±18", zh="k3，相差 ±18", shape=(2, 4), kind="k3", gap=18.0),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, kind, spread=0.7, gap=0.0, one_sided=False, close=False):
        likelier = -rng.uniform(shape, low=0.05, high=3.0)
        other = likelier + (spread * rng.normal(shape)).clamp(-9, 9)
        if close:
            other = likelier + rng.uniform(shape, low=4e-4, high=1e-3) * (rng.integers(0, 2, shape) * 2 - 1)
        if gap:
            other = likelier - gap + rng.uniform(shape, low=-1.0, high=1.0)
        if gap and not one_sided:
            turned = torch.arange(likelier.numel()).view(shape) % 2 == 0
            likelier, other = torch.where(turned, other, likelier), torch.where(turned, likelier, other)
        return {"log_prob": likelier, "ref_log_prob": other, "kind": kind}

    def valid(self, *, shape, **_):
        return all(size > 0 for size in shape)

    @title(en="an unknown kind is an error", zh="未知的 kind 报错")
    def test_unknown_kind(self, attempt, rng):
        inputs = self.inputs(rng, shape=(3,), kind="k4")
        raises(
            lambda: attempt.kl_estimate(**inputs),
            "ValueError",
            en='kind="k4" must raise a ValueError: a typing error in a configuration would otherwise go unnoticed',
            zh='kind="k4" 应抛出 ValueError：否则配置里的笔误不会被发现',
        )

    @check("cost")
    @title(en="no loop over the tokens", zh="不逐个 token 循环")
    def test_no_loop(self, attempt, rng):
        few, many = (self.inputs(rng, shape=(size, size), kind="k3") for size in (4, 16))
        assert_growth(
            attempt.profile("kl_estimate", **few),
            attempt.profile("kl_estimate", **many),
            "operations",
            at_most=1.5,
            en="From 16 to 256 tokens your calls of torch grow in number: a Python loop over tokens.",
            zh="从 16 个 token 到 256 个，torch 调用的次数也跟着增加：你用 Python 逐个 token 循环。",
        )
