"""Grader of the paged decode kernel; the truth gathers each sequence's keys and values and attends in fp64.

What no sequence owns is poisoned: slots beyond a sequence's end and blocks of nobody hold NaN, block 0 among them, and
entries of a table that no token needs are no blocks.
"""

import itertools
import math

import torch

from thinkllm_drill.grading import (
    KernelSuite,
    assert_no_tensor,
    assert_rounded_once,
    case,
    check,
    fail,
    speed,
    title,
)
from thinkllm_drill.grading.kernels import explained

ONE = {"heads": 1, "kv_heads": 1, "head_dim": 16, "page": 16, "block_k": 16}
SMALL = {"heads": 1, "kv_heads": 1, "head_dim": 16, "page": 8, "block_k": 16}


class TestPagedDecode(KernelSuite):
    """Tolerances are more than twice what honest answers were measured at, in units of a row's largest output."""

    entry = "paged_decode"
    layouts = False  # cases with views of their own: expanded, all blocks would be one
    cases = [
        case(en="one block", zh="一个块", lens=(16,), num_splits=1, **ONE, factor=32),
        case(en="three blocks, out of order", zh="三个块，次序打乱", lens=(48,), num_splits=1, **ONE, factor=32),
        case(en="the last block is not full", zh="最后一个块不满", lens=(37,), num_splits=1, **SMALL, factor=32),
        case(en="two splits", zh="分两份", lens=(64,), num_splits=2, **ONE, factor=32),
        case(en="splits of unequal length", zh="各份长度不等", lens=(70,), num_splits=3, **SMALL, factor=32),
        case(en="more splits than tiles", zh="份数多于键块数", lens=(20,), num_splits=5, **SMALL, factor=32),
        case(en="two sequences, three query heads a key head", zh="两个序列，每个键头三个查询头", lens=(21, 5), heads=6, kv_heads=2, head_dim=16, page=8, block_k=16, num_splits=2, factor=32),
        case(en="head_dim 24, blocks of 12", zh="head_dim 24，块为 12", lens=(50,), heads=2, kv_heads=1, head_dim=24, page=12, block_k=16, num_splits=2, factor=32),
        case(en="the default tile", zh="默认的 block_k", lens=(150,), heads=1, kv_heads=1, head_dim=16, page=32, num_splits=2, factor=32),
    ]  # fmt: skip
    edges = [
        case(en="17 splits", zh="分 17 份", lens=(260,), num_splits=17, **SMALL, factor=32),
        case(en="no token in one sequence", zh="一个序列没有 token", lens=(0, 18), num_splits=2, **SMALL, factor=32),
        case(en="no token at all", zh="完全没有 token", lens=(0,), num_splits=1, **SMALL, factor=32),
        case(en="blocks of one token", zh="每块一个 token", lens=(19,), heads=1, kv_heads=1, head_dim=16, page=1, block_k=16, num_splits=1, factor=32),
        case(en="one block for several tiles", zh="一个块含多个键块", lens=(70,), heads=1, kv_heads=1, head_dim=16, page=80, block_k=16, num_splits=2, factor=32),
        case(en="17 query heads on one key head", zh="17 个查询头共用一个键头", lens=(18,), heads=17, kv_heads=1, head_dim=16, page=8, block_k=16, num_splits=1, factor=32),
        case(en="head_dim 1", zh="head_dim 1", lens=(9, 3), heads=1, kv_heads=1, head_dim=1, page=8, block_k=16, num_splits=1, factor=32),
        case(en="head_dim 128", zh="head_dim 128", lens=(20,), heads=1, kv_heads=1, head_dim=128, page=8, block_k=16, num_splits=2, factor=64),
        case(en="sequences that share blocks", zh="序列共用块", lens=(40, 25), num_splits=2, shared=2, **SMALL, factor=32),
        case(en="scores that rise from key to key", zh="分数逐键升高", lens=(40,), num_splits=1, slope=30.0, **SMALL, factor=64),
        case(en="scores that fall from key to key", zh="分数逐键降低", lens=(40,), num_splits=2, slope=-30.0, **SMALL, factor=64),
        case(en="scores far below 0", zh="分数远小于 0", lens=(40,), num_splits=2, level=-1000.0, **SMALL, factor=16384),
        case(en="one key, its score −10⁶, and an empty split", zh="只有一个键，分数为 −10⁶，另有一份为空", lens=(1,), num_splits=2, level=-1e6, **SMALL, factor=32),
        case(en="scores far above 0", zh="分数远大于 0", lens=(40,), num_splits=2, level=1000.0, **SMALL, factor=16384),
        case(en="keys and values in one tensor", zh="键与值在同一个张量里", lens=(21,), num_splits=1, views="one tensor", **SMALL, factor=32),
        case(en="views with strides of their own", zh="stride 各不相同的视图", lens=(21, 9), heads=2, kv_heads=2, head_dim=16, page=8, block_k=16, num_splits=1, views="apart", factor=32),
        case(en="bfloat16", zh="bfloat16", lens=(37,), heads=2, kv_heads=1, head_dim=16, page=8, block_k=16, num_splits=2, dtype="bfloat16"),
        case(en="bfloat16 beyond the range of float16", zh="超出 float16 范围的 bfloat16", lens=(40,), num_splits=2, tilt=1e6, large=1e6, **SMALL, dtype="bfloat16"),
        case(en="float16", zh="float16", lens=(37,), heads=2, kv_heads=1, head_dim=16, page=8, block_k=16, num_splits=2, dtype="float16"),
        case(en="float16, scores beyond its range", zh="float16，分数超出其范围", lens=(40,), num_splits=2, size=300.0, **SMALL, dtype="float16", factor=64),
        case(en="float16, values near the largest", zh="float16，接近最大值的 v", lens=(40,), num_splits=2, large=40000.0, **SMALL, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(en="one sequence of 131072 tokens, 8 key heads for 64", zh="一个 131072 token 的序列，64 个头共用 8 个键头", lens=(131072,), heads=64, kv_heads=8, head_dim=128, page=16, num_splits=64, bytes=4 * 131072 * 8 * 128),
        speed(en="64 sequences of 512 to 8072 tokens, 8 key heads for 32", zh="64 个 512 到 8072 token 的序列，32 个头共用 8 个键头", lens=tuple(range(512, 8192, 120)), heads=32, kv_heads=8, head_dim=128, page=16, num_splits=8, bytes=4 * sum(range(512, 8192, 120)) * 8 * 128),
        speed(en="4 sequences of 8192 tokens, 32 heads", zh="4 个 8192 token 的序列，32 个头", lens=(8192,) * 4, heads=32, kv_heads=32, head_dim=128, page=64, num_splits=8, bytes=4 * 4 * 8192 * 32 * 128),
    )  # fmt: skip

    def inputs(
        self, rng, *, lens, heads, kv_heads, head_dim, page, num_splits, block_k=None,
        size=1.0, large=1.0, tilt=1.0, slope=0.0, level=0.0, shared=0, views="",
    ):  # fmt: skip
        counts = [-(-tokens // page) for tokens in lens]
        blocks = sum(counts) + 2
        mine = 1 + rng.permutation(blocks - 1)
        tables = torch.full((len(lens), max(counts) + 2), -1, dtype=torch.int32)
        tables[:, ::2] = 2**30
        position = torch.full((blocks, page), -1)  # of the token in each slot, -1 where there is none
        for row, (tokens, count) in enumerate(zip(lens, counts, strict=True)):
            own, mine = mine[:count], mine[count:]
            tables[row, :count] = own
            at = torch.arange(count * page).view(count, page)
            position[own] = torch.where(at < tokens, at, -1)
        tables[1:, :shared] = tables[0, :shared]
        q = rng.normal((len(lens), heads, head_dim)) * (size * tilt)
        k = rng.normal((blocks, page, kv_heads, head_dim)) * (size / tilt)
        v = rng.normal((blocks, page, kv_heads, head_dim)) + 0.5  # so that a key too many or too few shows
        if large > 1.0:
            v = large * (1 + 0.5 * rng.uniform(v.shape))
        if slope or level:  # the first column says what the scores are, about
            q[..., 0] = 1.1
            k[..., 0] = (level + slope * (position - lens[0] // 2))[..., None] * math.sqrt(head_dim)
        k, v = (torch.where((position >= 0)[..., None, None], cache, math.nan) for cache in (k, v))
        if views == "one tensor":
            k, v = torch.stack((k, v), dim=1).unbind(1)
        if views == "apart":  # no stride of one is that of another
            q = q.mT.repeat_interleave(7, -1)[..., ::7].mT
            k = k.repeat_interleave(3, -1)[..., ::3]
            v = v.transpose(1, 2).repeat_interleave(5, -1)[..., ::5].transpose(1, 2)
        given = {
            "q": q, "k_cache": k, "v_cache": v, "block_tables": tables,
            "context_lens": torch.tensor(lens, dtype=torch.int32), "num_splits": num_splits,
        }  # fmt: skip
        return given if block_k is None else given | {"block_k": block_k}

    def expected(self, *, q, k_cache, v_cache, block_tables, context_lens, num_splits, block_k=64):
        wide = torch.promote_types(q.dtype, torch.float32)
        out = q.new_zeros(q.shape)
        for row, tokens in enumerate(context_lens.tolist()):
            if not tokens:
                continue
            used = block_tables[row, : -(-tokens // k_cache.shape[1])].long()
            k, v = (cache[used].flatten(0, 1)[:tokens].movedim(1, 0).to(wide) for cache in (k_cache, v_cache))
            grouped = q[row].to(wide).unflatten(0, (k.shape[0], -1))  # (kv_heads, group, head_dim)
            weights = torch.softmax(grouped @ k.mT / math.sqrt(q.shape[-1]), dim=-1)
            out[row] = (weights @ v).flatten(0, 1).to(q.dtype)
        return out

    def valid(self, *, lens, heads, kv_heads, head_dim, page, num_splits, block_k=64, shared=0, **_):
        tile = block_k >= 16 and block_k & (block_k - 1) == 0
        sizes = min(heads, kv_heads, head_dim, page, num_splits) > 0 and head_dim <= 128 and heads % kv_heads == 0
        return tile and sizes and min(lens) >= shared * page

    @title(en="half precision: one rounding, at the end", zh="半精度：只在最后舍入一次")
    def test_half_precision(self, attempt, rng):
        """All weights are equal, so that rounding them loses nothing; two splits of 80 tokens weigh 3 to 2 and cancel."""
        for dtype, tokens in itertools.product((torch.bfloat16, torch.float16), (128, 80)):
            given = self.inputs(
                rng, lens=(tokens,), heads=1, kv_heads=1, head_dim=64, page=16, num_splits=2, block_k=16
            )
            if tokens == 80:
                v, blocks = given["v_cache"], given["block_tables"][0, :5].long()
                v[blocks] = rng.integers(0, 2, (5, *v.shape[1:])).float()
                v[blocks[:3]] += 128.0
                v[blocks[3:]] -= 192.0
            given |= {name: given[name].to(dtype) for name in ("q", "k_cache", "v_cache")}
            given["q"].zero_()
            with explained():
                found = attempt[self.entry](**given)
            assert_rounded_once(
                found,
                self.expected(**given | {name: given[name].double() for name in ("q", "k_cache", "v_cache")}),
                dtype,
                beside=1e-4,
                en="Keep the accumulator, the partial output of each split and the weights that merge them in float32: some "
                f"means of {tokens} values are off by more than one rounding.",
                zh="累加器、每一份的部分输出以及合并它们的权重都应保持 float32："
                f"有些 {tokens} 个值的均值，误差超出了一次舍入。",
            )

    @title(en="half precision: the scale is applied in float32", zh="半精度：在 float32 里乘 scale")
    def test_scale(self, attempt, rng):
        """Two halves of the keys have the same scores by other columns of q, and values of 1 and −1: the mean is 0."""
        steps = 1 + rng.permutation(32)[:8]
        for dtype in (torch.bfloat16, torch.float16):
            given = self.inputs(rng, lens=(32,), heads=8, kv_heads=8, head_dim=24, page=16, num_splits=1, block_k=16)
            first, second = given["block_tables"][0, :2].long()
            q, k, v = (given[name].zero_() for name in ("q", "k_cache", "v_cache"))
            q[0, :, 0], q[0, :, 1] = 1.0, 1 + steps / 128
            k[first, :, :, 0], k[second, :, :, 1] = 8.0 * (128 + steps), 8.0 * 128
            v[first], v[second] = 1.0, -1.0
            with explained():
                found = attempt[self.entry](
                    **given | {"q": q.to(dtype), "k_cache": k.to(dtype), "v_cache": v.to(dtype)}
                )
            error = float(found.double().abs().nan_to_num(torch.inf).max())
            if not error <= 1e-3:
                name = str(dtype).removeprefix("torch.")
                fail(
                    en=f"Keys whose scores are equal get weights that differ by {error:.2g} in {name}. Scale the scores, in "
                    "float32: q · scale does not fit into half precision.",
                    zh=f"{name} 时，分数相等的键，权重却相差 {error:.2g}。应在 float32 里缩放分数：半精度存不下 q · scale。",
                )

    @title(en="half precision: scores and log-sum-exps in float32", zh="半精度：分数与 log-sum-exp 用 float32")
    def test_half_scores(self, attempt, rng):
        """Weights that were rounded once and an output that was are off by no more than eps of the sum of |weight · value|."""
        for dtype in (torch.bfloat16, torch.float16):
            given = self.inputs(
                rng, lens=(64,), heads=1, kv_heads=1, head_dim=32, page=16, num_splits=2, block_k=16, level=100.0
            )
            given |= {name: given[name].to(dtype) for name in ("q", "k_cache", "v_cache")}
            with explained():
                found = attempt[self.entry](**given)
            wide = given | {name: given[name].double() for name in ("q", "k_cache", "v_cache")}
            allowed = 1.25 * torch.finfo(dtype).eps * self.expected(**wide | {"v_cache": wide["v_cache"].abs()})
            if not bool(((found.double() - self.expected(**wide)).abs() <= allowed).all()):
                name = str(dtype).removeprefix("torch.")
                fail(
                    en=f"With {name} inputs and scores of about 110 the output is off by more than rounding weights and output "
                    "explains. Scores, and the log-sum-exp of a split, stay in float32.",
                    zh=f"输入为 {name}、分数约为 110 时，输出的误差超出了权重与输出的舍入。分数以及各份的 log-sum-exp 都应保持 float32。",
                )

    @title(en="the default tile is that of the interface", zh="默认的 block_k 与接口一致")
    def test_default(self, attempt):
        given = {each["name"]: each["default"] for each in attempt.describe([self.entry])[self.entry]["parameters"]}
        if (default := given.get("block_k", "64")) != "64":
            fail(en=f"The default is block_k=64; yours is {default}.", zh=f"默认值应为 block_k=64，你的是 {default}。")

    @check("cost")
    @title(en="no load or store wider than a tile", zh="每次 load 与 store 都不宽于一块")
    def test_width(self, attempt, rng):
        for heads, width in ((32, 16), (2, 32)):
            work, _ = self.work(
                attempt,
                rng,
                lens=(40,),
                heads=heads,
                kv_heads=2,
                head_dim=width * 3 // 4,
                page=8,
                num_splits=1,
                block_k=16,
            )
            if work.widest > 16 * width:
                fail(
                    en=f"block_k is 16, head_dim {width * 3 // 4}, held by {width} columns, and a key head has {heads // 2} query "
                    f"heads, but line {work.widest_line} touches {work.widest} elements at once: more than 16 × {width}.",
                    zh=f"block_k 为 16，head_dim 为 {width * 3 // 4}，占 {width} 列，每个键头有 {heads // 2} 个查询头，但第 "
                    f"{work.widest_line} 行一次访问了 {work.widest} 个元素，多于 16 × {width}。",
                )

    @check("cost")
    @title(
        en="keys and values are read once, for all heads that share them", zh="键和值只读一遍，供共用它们的所有头使用"
    )
    def test_traffic(self, attempt, rng):
        work, given = self.work(
            attempt, rng, lens=(64, 32), heads=4, kv_heads=2, head_dim=16, page=16, num_splits=2, block_k=16
        )
        least = 2 * (64 + 32) * 2 * 16
        moved = work.traffic(at_least=given["k_cache"].nbytes // 2)
        if moved > least:
            fail(
                en=f"64 and 32 tokens with two key heads have {least} numbers in keys and values; your kernels load and store "
                f"{moved}. Each is read once, in place, by the one program that has all query heads of its key head.",
                zh=f"64 与 32 个 token、两个键头，键和值共 {least} 个数；你的 kernel 读写了 {moved} 个。每个数只应在原处读一遍，"
                "由同时负责该键头全部查询头的那个 program 读取。",
            )

    @check("cost")
    @title(en="the splits share the work", zh="各份分担工作")
    def test_splits(self, attempt, rng):
        for splits in (2, 4):
            work, given = self.work(
                attempt, rng, lens=(64, 16), heads=4, kv_heads=2, head_dim=16, page=16, num_splits=splits, block_k=16
            )
            least = 2 * 64 // splits * 16
            most = max(
                (count for size, count in work.heaviest.items() if size >= given["k_cache"].nbytes // 2), default=0
            )
            if most > least:
                fail(
                    en=f"With num_splits = {splits} a program has at most {64 // splits} of 64 keys and values of one key head, "
                    f"{least} numbers; one of yours moves {most}.",
                    zh=f"num_splits = {splits} 时，一个 program 至多负责一个键头的 64 个键和值中的 {64 // splits} 个，即 {least} 个数；"
                    f"你的某个 program 搬运了 {most} 个。",
                )

    @check("cost")
    @title(en="two launches at most", zh="至多启动两次 kernel")
    def test_launches(self, attempt, rng):
        work, _ = self.work(attempt, rng, lens=(40, 20, 8), heads=2, kv_heads=2, head_dim=16, page=8, num_splits=2)
        if work.launches > 2:
            fail(
                en=f"For three sequences you launch {work.launches} kernels. One takes all splits of all sequences, a second "
                "one merges them.",
                zh=f"三个序列启动了 {work.launches} 次 kernel。一个 kernel 处理所有序列的所有份，另一个合并它们。",
            )

    @check("cost")
    @title(en="the cache is not copied", zh="不拷贝缓存")
    def test_no_copy(self, attempt, rng):
        given = self.inputs(
            rng, lens=(150,), heads=1, kv_heads=1, head_dim=16, page=16, num_splits=2, block_k=16, views="one tensor"
        )
        with explained():
            cost = attempt.profile(self.entry, **given)
        assert_no_tensor(
            cost,
            given["k_cache"].nbytes // 4,
            en="Keys and values are views of one tensor; a copy of them moves gigabytes for a token. "
            "Pass their strides to the kernel.",
            zh="键和值是一个大张量的视图；为一个 token 拷贝它们要搬运几个 GB。应把它们的 stride 传给 kernel。",
        )
