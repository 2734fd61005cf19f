"""Grader of the group-relative advantages of GRPO."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_equal, assert_growth, case, check, fail, raises, title

FLAG = """def flag(f, rewards, group_ids):
    f(rewards=rewards, group_ids=group_ids)
    return rewards.requires_grad
"""


class TestGRPOAdvantages(FunctionSuite):
    entry = "grpo_advantages"
    cases = [
        case(en="groups one after the other", zh="各组依次排列", groups=3, size=4, ordered=True, factor=64),
        case(en="groups of different sizes, mixed", zh="大小不一的组，混在一起", groups=3, size=4, ragged=True, factor=64),
        case(en="negative and huge ids", zh="负的和很大的 id", groups=4, size=3, ids="any", factor=64),
        case(en="a large eps, one group of equal rewards", zh="很大的 eps，有一组奖励全相等", groups=3, size=4, eps=2.0, rewards="flat"),
        case(en="no scaling", zh="不缩放", groups=3, size=4, scale="none", ragged=True),
        case(en="scaled by the batch", zh="按 batch 缩放", groups=3, size=4, scale="batch", ragged=True),
        case(en="scaled by the batch, a large eps", zh="按 batch 缩放，很大的 eps", groups=2, size=5, scale="batch", eps=0.3),
        case(en="as many groups as responses in each", zh="组数等于每组回复数", groups=4, size=4, factor=64),
        case(en="rewards 0 and 1", zh="奖励为 0 或 1", groups=4, size=6, rewards="binary"),
    ]  # fmt: skip
    edges = [
        case(en="some groups of one", zh="部分组只有一条回复", groups=3, size=3, singles=2),
        case(en="some groups of one, no scaling", zh="部分组只有一条回复，不缩放", groups=3, size=3, singles=2, scale="none"),
        case(en="some groups of one, scaled by the batch", zh="部分组只有一条回复，按 batch 缩放", groups=3, size=3, singles=2, scale="batch"),
        case(en="every group has one response", zh="每组都只有一条回复", groups=0, size=2, singles=5, eps=0.1),
        case(en="a single response", zh="总共只有一条回复", groups=0, size=2, singles=1, eps=0.1),
        case(en="a single response, no scaling", zh="总共只有一条回复，不缩放", groups=0, size=2, singles=1, scale="none"),
        case(en="a single response, scaled by the batch", zh="总共只有一条回复，按 batch 缩放", groups=0, size=2, singles=1, scale="batch", eps=0.1),
        case(en="one group", zh="只有一组", groups=1, size=8),
        case(en="two responses, scaled by the batch", zh="只有两条回复，按 batch 缩放", groups=1, size=2, scale="batch"),
        case(en="groups of two", zh="每组两条回复", groups=4, size=2, eps=0.2),
        case(en="65 responses in a group", zh="一组 65 条回复", groups=2, size=65),
        case(en="rewards around 1000", zh="奖励在 1000 左右", groups=3, size=4, offset=1000.0),
    ]  # fmt: skip

    def inputs(self, rng, *, groups, size, singles=0, ids="", ordered=False, ragged=False, rewards="normal", **options):
        sizes = [size + (n if ragged else 0) for n in range(groups)] + [1] * singles
        names = list(range(len(sizes)))
        if ids == "any":
            names = [-(2**40), 2**60, -3, 5][: len(names)] + names[4:]
        elif not ordered:
            names = rng.sample(range(100), len(sizes))
        group_ids = torch.tensor([name for name, n in zip(names, sizes, strict=True) for _ in range(n)])
        if not ordered:
            group_ids = group_ids[rng.permutation(len(group_ids))]
        given = rng.normal((len(group_ids),)) + group_ids % 3 + options.pop("offset", 0.0)
        for name in names:  # no group is nearly equal, where every way loses digits
            given[(group_ids == name).nonzero()[0]] += 6.0
        if rewards == "binary":
            given = rng.bernoulli(given.shape, 0.5).float()
        if rewards == "flat":
            given[group_ids == names[0]] = 1.0
        return {"rewards": given, "group_ids": group_ids} | options

    def valid(self, *, groups, size, singles=0, **_):
        return groups >= 0 and singles >= 0 and groups + singles > 0 and size > 1

    @title(en="equal rewards give exactly 0", zh="奖励全相等时恰好为 0")
    def test_equal_rewards(self, attempt, rng):
        levels = torch.tensor([1.0, 0.0, -0.5, 3.0])
        group_ids = rng.integers(0, 4, (24,))
        group_ids = torch.cat((group_ids, torch.arange(4), torch.arange(4)))
        for scale in ("std", "none", "batch"):
            assert_equal(
                attempt.grpo_advantages(rewards=levels[group_ids], group_ids=group_ids, scale=scale),
                torch.zeros(32),
                en=f'scale="{scale}", and the rewards of each group are all equal: every advantage must be exactly 0',
                zh=f'scale="{scale}"，每组的奖励都全相等：所有优势必须恰好为 0',
            )

    @title(en="advantages carry no gradient", zh="优势不带梯度")
    def test_no_gradient(self, attempt, rng):
        inputs = self.inputs(rng, groups=2, size=3)
        inputs["rewards"].requires_grad_()
        for scale in ("std", "none", "batch"):
            if attempt.grpo_advantages(**inputs, scale=scale).requires_grad:
                fail(
                    en=f'scale="{scale}": the advantages require a gradient where the rewards do. They are constants: detach.',
                    zh=f'scale="{scale}"：rewards 需要梯度时，优势也带上了梯度。优势是常量：要 detach。',
                )

        if not attempt.local(FLAG)(attempt["grpo_advantages"], inputs["rewards"], inputs["group_ids"]):
            fail(
                en="After the call `rewards` no longer require a gradient: you switched it off on the caller's tensor. "
                "detach() gives a constant and leaves it alone.",
                zh="调用之后 `rewards` 不再需要梯度：你把调用者的张量的 requires_grad 关掉了。"
                "detach() 得到的就是常量，不会动原来的张量。",
            )

    @title(en="an unknown scale is an error", zh="未知的 scale 报错")
    def test_unknown_scale(self, attempt, rng):
        inputs = self.inputs(rng, groups=2, size=3)
        raises(
            lambda: attempt.grpo_advantages(**inputs, scale="var"),
            "ValueError",
            en='scale="var" must raise a ValueError: a typing error in a configuration would otherwise go unnoticed',
            zh='scale="var" 应抛出 ValueError：否则配置里的笔误不会被发现',
        )

    @check("cost")
    @title(en="no loop over groups or responses", zh="不逐组或逐条回复循环")
    def test_no_loop(self, attempt, rng):
        few, many = (self.inputs(rng, groups=groups, size=3) for groups in (3, 12))
        assert_growth(
            attempt.profile("grpo_advantages", **few),
            attempt.profile("grpo_advantages", **many),
            "operations",
            at_most=1.5,
            en="From 3 to 12 groups your calls of torch grow in number: a Python loop over groups or responses.",
            zh="从 3 组到 12 组，torch 调用的次数也跟着增加：你用 Python 逐组或逐条回复循环。",
        )
