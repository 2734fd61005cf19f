"""Grader of the online softmax statistics."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, title

STREAM = "lambda f: lambda x, size: f(part.clone() for part in x.split(size, dim=1))"
"""The statistics of a matrix that is given as a generator of blocks."""


class TestMergeStats(FunctionSuite):
    entry = "merge_stats"
    outputs = ("m", "l")
    cases = [
        case(en="a few rows", zh="几行", shape=(4,), gap=2.0, turned=True),
        case(en="the first maximum is larger", zh="第一个最大值更大", shape=(4,), gap=-3.0),
        case(en="the second maximum is larger", zh="第二个最大值更大", shape=(4,), gap=3.0),
        case(en="two dimensions", zh="两维", shape=(3, 5)),
        case(en="no dimensions", zh="零维", shape=()),
    ]
    edges = [
        case(en="equal maxima", zh="最大值相等", shape=(5,), equal=True),
        case(en="nothing on the first side", zh="第一侧为空", shape=(4,), empty="first"),
        case(en="nothing on the second side", zh="第二侧为空", shape=(4,), empty="second"),
        case(en="nothing on either side in some rows", zh="有些行两侧都为空", shape=(6,), empty="both"),
        case(en="maxima 200 apart", zh="最大值相差 200", shape=(6,), gap=200.0),
        case(en="maxima of ±10000", zh="最大值为 ±10000", shape=(6,), scale=1e4),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, gap=0.0, turned=False, scale=1.0, equal=False, empty=""):
        m1, m2 = rng.normal(shape) * scale, rng.normal(shape) * scale
        if gap:
            m2 = m1 + gap * rng.uniform(shape, 0.5, 1.0)
        if turned:  # in every other row the first maximum is the larger one
            m1[1::2], m2[1::2] = m2[1::2].clone(), m1[1::2].clone()
        if equal:
            m2 = m1.clone()
        l1, l2 = rng.uniform(shape, 1.0, 9.0), rng.uniform(shape, 1.0, 9.0)
        first = slice(None) if empty == "first" else slice(0, 4 if empty == "both" else 0)
        second = slice(None) if empty == "second" else slice(2, 6 if empty == "both" else 2)
        if shape:
            m1[first], l1[first], m2[second], l2[second] = -torch.inf, 0.0, -torch.inf, 0.0
        return {"m1": m1, "l1": l1, "m2": m2, "l2": l2}

    @title(en="in any order and grouping", zh="任意顺序与分组")
    def test_any_order(self, attempt, rng):
        stats = [(rng.normal((5,)) * 4, rng.uniform((5,), 1.0, 9.0)) for _ in range(2)]
        stats.append((torch.full((5,), -torch.inf), torch.zeros(5)))
        a, b, c = stats
        merge = lambda one, other: attempt.merge_stats(*one, *other)  # noqa: E731
        left, right, turned = merge(merge(a, b), c), merge(a, merge(b, c)), merge(c, merge(b, a))
        for other in (right, turned):
            assert_close(
                other,
                left,
                en="three pairs merged in another order or grouping must give the same (m, l)",
                zh="三对统计量换一种顺序或分组合并，(m, l) 应当相同",
            )


class TestOnlineSoftmaxStats(FunctionSuite):
    entry = "online_softmax_stats"
    outputs = ("m", "l")
    cases = [
        case(en="two blocks", zh="两块", batch=2, sizes=(3, 4)),
        case(en="one block", zh="只有一块", batch=3, sizes=(5,)),
        case(en="negative logits", zh="负的 logit", batch=2, sizes=(3, 4), level=-5.0),
        case(en="maxima that rise", zh="最大值逐块上升", batch=3, sizes=(4, 3, 5), trend=4.0),
        case(en="maxima that fall", zh="最大值逐块下降", batch=3, sizes=(4, 3, 5), trend=-4.0),
        case(en="blocks of different sizes", zh="大小不一的块", batch=4, sizes=(6, 1, 2, 7, 1)),
        case(en="as many rows as columns", zh="行数等于列数", batch=4, sizes=(4, 4)),
        case(en="many blocks", zh="很多块", batch=2, sizes=(3,) * 17, reduction=51),
    ]
    edges = [
        case(en="the first block all −inf", zh="第一块全为 −inf", batch=3, sizes=(2, 3, 4), masked=(0,)),
        case(en="a block all −inf in the middle", zh="中间一块全为 −inf", batch=3, sizes=(2, 3, 4), masked=(1,)),
        case(en="the last block all −inf", zh="最后一块全为 −inf", batch=3, sizes=(2, 3, 4), masked=(2,)),
        case(en="one row all −inf", zh="一行全为 −inf", batch=3, sizes=(2, 3, 4), dead=True),
        case(en="causal: blocks that some rows do not see", zh="因果掩码：有些行看不到某些块", batch=9, sizes=(3, 3, 3), causal=True),
        case(en="maxima that rise by 200", zh="最大值每块上升 200", batch=2, sizes=(3, 2, 4), trend=200.0),
        case(en="logits of ±10000", zh="±10000 的 logit", batch=3, sizes=(3, 5, 2), scale=1e4),
        case(en="one row near 0, one near −10000", zh="一行在 0 附近，一行在 −10000 附近", batch=2, sizes=(3, 4), apart=1e4),
        case(en="1027 columns", zh="1027 列", batch=2, sizes=(512, 512, 3), reduction=1027),
        case(en="bfloat16", zh="bfloat16", batch=3, sizes=(33, 65, 2), two=-1 / 32, dtype="bfloat16"),
        case(en="float16", zh="float16", batch=3, sizes=(33, 65, 2), two=-1 / 256, dtype="float16"),
        case(en="70000 equal float16 logits", zh="70000 个相等的 float16 logit", batch=1, sizes=(35000, 35000), two=8.0, reduction=70000, dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, sizes, level=0.0, trend=0.0, scale=1.0, apart=0.0, masked=(), two=None, **which):
        blocks = [rng.normal((batch, size)) * scale + level + trend * number for number, size in enumerate(sizes)]
        if two is not None:  # 8 + 1/32 and 8 + 1/256 lie halfway between neighbours of their dtype
            blocks = [torch.where(rng.bernoulli(block.shape, 0.2), 8.0, two) for block in blocks]
        for number in masked:
            blocks[number].fill_(-torch.inf)
        first = 0
        for block in blocks:
            block[1:] -= apart
            if which.get("dead"):
                block[-1] = -torch.inf
            if which.get("causal"):
                columns = first + torch.arange(block.shape[1])
                block.masked_fill_(columns > torch.arange(batch)[:, None], -torch.inf)
            first += block.shape[1]
        return {"blocks": blocks}

    @title(en="blocks from a generator", zh="块来自生成器")
    def test_generator(self, attempt, reference, rng):
        x = rng.normal((3, 12)) * 3
        run = attempt.local(STREAM)(attempt.online_softmax_stats)
        assert_close(
            run(x, 5),
            reference.online_softmax_stats(blocks=[x]),
            en="`blocks` was a generator. It can be gone through only once: take m and l from the same pass",
            zh="这次 `blocks` 是生成器，只能遍历一次：m 和 l 要在同一遍里求出",
        )

    @check("cost")
    @title(en="the memory of one block", zh="只占一块的内存")
    def test_memory(self, attempt, rng):
        run = attempt.local(STREAM)(attempt.online_softmax_stats)
        few, many = (attempt.profile(run, rng.normal((4, 64 * count)), 64) for count in (4, 16))
        assert_growth(
            few,
            many,
            "peak_bytes",
            at_most=1.2,
            en="From 4 blocks to 16 of the same size your memory grows: blocks are kept or joined. "
            "Merge each into (m, l) and let it go.",
            zh="块的大小不变，从 4 块到 16 块，内存变多了：你保留或拼接了各块。应把每一块并入 (m, l) 后就释放。",
        )

    @check("cost")
    @title(en="no Python loop inside a block", zh="块内没有 Python 循环")
    def test_no_loop(self, attempt, rng):
        small, large = (attempt.profile("online_softmax_stats", blocks=[rng.normal((n, n))] * 2) for n in (8, 32))
        assert_growth(
            small,
            large,
            "operations",
            at_most=1.5,
            en="From blocks of (8, 8) to (32, 32) your torch calls grow in number: a Python loop over rows or columns.",
            zh="块从 (8, 8) 增大到 (32, 32)，调用 torch 的次数变多了：你用 Python 逐行或逐列循环。",
        )
