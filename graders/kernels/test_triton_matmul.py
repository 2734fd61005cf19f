"""Grader of the Triton matrix product; the truth is torch's own in fp64."""

import torch

from thinkllm_drill.grading import KernelSuite, assert_rounded_once, case, check, fail, speed, title
from thinkllm_drill.grading.battery import Probe
from thinkllm_drill.grading.kernels import explained


class TestMatmul(KernelSuite):
    entry = "matmul"
    cases = [
        case(en="one tile", zh="恰好一块", m=16, k=16, n=16, block=(16, 16, 16)),
        case(en="two steps along k, one tile", zh="一块，沿 k 两步", m=16, k=32, n=32, block=(16, 32, 16)),
        case(
            en="several tiles, sides of their own",
            zh="多块，三边各不相同",
            m=32,
            k=48,
            n=64,
            block=(16, 32, 16),
            group_m=1,
        ),
        case(en="less than one tile", zh="不足一块", m=5, k=7, n=3, block=(32, 16, 16)),
        case(en="every side with a tail", zh="三边都不是块的倍数", m=37, k=41, n=50, block=(16, 16, 32), group_m=2),
        case(en="a last group of fewer rows", zh="最后一组行数不足", m=70, k=17, n=40, block=(16, 16, 16), group_m=3),
        case(en="the default tiles", zh="默认的块", m=19, k=70, n=23),
        case(en="a long k", zh="很长的 k", m=3, k=1000, n=5, block=(16, 16, 64), reduction=1000),
    ]
    edges = [
        case(en="one row", zh="只有一行", m=1, k=21, n=33, block=(16, 16, 16)),
        case(en="one column", zh="只有一列", m=33, k=21, n=1, block=(16, 16, 16)),
        case(en="k is 1", zh="k 为 1", m=17, k=1, n=18, block=(16, 16, 16)),
        case(en="one more than a tile on every side", zh="每边都比块多一", m=17, k=17, n=17, block=(16, 16, 16)),
        case(en="more rows in a group than there are", zh="group_m 大于块的行数", m=33, k=16, n=33, block=(16, 16, 16), group_m=8),
        case(en="both transposed", zh="两个输入都是转置得到的", m=20, k=24, n=18, block=(16, 16, 16), transposed=True),
        case(en="bfloat16", zh="bfloat16", m=18, k=40, n=35, block=(16, 32, 16), dtype="bfloat16"),
        case(en="bfloat16 beyond the range of float16", zh="超出 float16 范围的 bfloat16", m=18, k=40, n=35, block=(16, 32, 16), scale=1e6, dtype="bfloat16"),
        case(en="several default tiles", zh="多个默认的块", m=130, k=70, n=150),
        case(en="float16, sums beyond 1000", zh="float16，和超过 1000", m=18, k=40, n=35, block=(16, 32, 16), scale=16.0, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(
            en="bfloat16, 4096 × 4096 × 4096",
            zh="bfloat16，4096 × 4096 × 4096",
            flops=2 * 4096**3,
            peer="peer",
            at_least=0.7,
            star=0.85,
            **dict(m=4096, k=4096, n=4096),
        ),
        speed(
            en="bfloat16, 8192 tokens into 14336 features, weight transposed",
            zh="bfloat16，8192 个 token 到 14336 个特征，权重转置",
            flops=2 * 8192 * 4096 * 14336,
            peer="peer",
            at_least=0.7,
            star=0.85,
            **dict(m=8192, k=4096, n=14336, transposed=True),
        ),
    )

    def inputs(self, rng, *, m, k, n, block=None, group_m=None, scale=1.0, transposed=False):
        a, b = rng.normal((m, k)) * scale, rng.normal((k, n))
        given = {"a": a, "b": b}
        if block is not None:
            given |= dict(zip(("block_m", "block_n", "block_k"), block, strict=True))
        return given if group_m is None else given | {"group_m": group_m}

    def prepared(self, rng, probe):
        given = super().prepared(rng, probe)
        if probe.case.params.get("transposed"):
            given |= {name: given[name].T.contiguous().T for name in ("a", "b")}
        return given

    def expected(self, *, a, b, **_):
        return a @ b

    def peer(self, *, a, b, **_):
        """cuBLAS."""
        return a @ b

    def valid(self, *, m, k, n, block=(16, 16, 16), group_m=1, **_):
        return min(m, k, n, group_m) > 0 and all(side >= 16 and side & (side - 1) == 0 for side in block)

    @title(en="the default tiles are those of the interface", zh="默认的块与接口一致")
    def test_defaults(self, attempt):
        stated = {"block_m": "128", "block_n": "128", "block_k": "64", "group_m": "8"}
        given = {each["name"]: each["default"] for each in attempt.describe([self.entry])[self.entry]["parameters"]}
        if wrong := [name for name, value in stated.items() if given.get(name, value) != value]:
            fail(
                en=f"The defaults are block_m=128, block_n=128, block_k=64, group_m=8; yours differ in {', '.join(wrong)}.",
                zh=f"默认值应为 block_m=128、block_n=128、block_k=64、group_m=8；你的 {', '.join(wrong)} 不同。",
            )

    @title(en="half precision: summed in float32, rounded once", zh="半精度：用 float32 累加，只舍入一次")
    def test_half_precision(self, attempt, rng):
        for dtype in (torch.bfloat16, torch.float16):
            given = self.inputs(rng, m=16, k=200, n=16, block=(16, 16, 16))
            given |= {"a": given["a"].abs().to(dtype), "b": given["b"].abs().to(dtype)}
            with explained():
                found = attempt[self.entry](**given)
            assert_rounded_once(
                found,
                given["a"].double() @ given["b"].double(),
                dtype,
                en="Sum in float32 from the first step along k to the last, and convert when storing: some sums are off by "
                "more than one rounding.",
                zh="沿 k 自始至终用 float32 累加，store 时才转换：有些和的误差超出了一次舍入。",
            )

    @title(en="sums of half precision beyond its range", zh="部分和超出半精度范围")
    def test_range(self, attempt, rng):
        """65536 · 3 on the way, 0 at the end."""
        a = torch.full((16, 64), 256.0)
        b = torch.full((64, 16), 48.0)
        b[32:] = -48.0
        with explained():
            found = attempt[self.entry](a=a.half(), b=b.half(), block_m=16, block_n=16, block_k=16)
        if not torch.equal(found, torch.zeros(16, 16).half()):
            fail(
                en="The sum along k passes 65504, the largest float16, and comes back to 0; yours does not. Keep it in float32 "
                "until it is stored.",
                zh="沿 k 的部分和会超过 float16 的最大值 65504，最后回到 0；你的结果不是 0。store 之前应始终保持 float32。",
            )

    @check("cost")
    @title(en="no load or store is larger than a tile", zh="每次 load 与 store 都不大于一块")
    def test_width(self, attempt, rng):
        work, _ = self.work(attempt, rng, m=64, k=160, n=64, block=(16, 32, 16))
        if work.widest > 16 * 32:
            fail(
                en=f"With tiles of 16 × 32 × 16, line {work.widest_line} touches {work.widest} elements at once; the largest "
                "tile has 512. Take k in steps of block_k.",
                zh=f"块为 16 × 32 × 16 时，第 {work.widest_line} 行一次访问了 {work.widest} 个元素，而最大的块只有 512 个。"
                "应以 block_k 为步长沿 k 前进。",
            )

    @check("cost")
    @title(en="a panel is loaded once for each tile", zh="每块只读一遍所需的 a、b")
    def test_traffic(self, attempt, rng):
        m, k, n = 64, 96, 128
        work, _ = self.work(attempt, rng, m=m, k=k, n=n, block=(32, 64, 16))
        fewest = m * k * (n // 64) + k * n * (m // 32) + m * n
        moved = sum(work.moved.values())
        if moved > fewest:
            fail(
                en=f"For a {m} × {k} by {k} × {n} product with tiles of 32 × 64 your kernels move {moved} elements; {fewest} are "
                "enough: each tile of the output loads its rows of a and its columns of b once, and is stored once.",
                zh=f"{m} × {k} 乘 {k} × {n}、块为 32 × 64 时，你的 kernel 搬运了 {moved} 个元素；{fewest} 个就够了："
                "输出的每一块把所需的 a 的行与 b 的列各读一遍，写出一遍。",
            )

    @check("cost")
    @title(en="tiles in groups, so that panels stay in L2", zh="分组排列各块，让数据留在 L2")
    def test_order(self, attempt, rng):
        tall, wide = 7, 5  # tiles
        for group_m, dtype in ((2, "float32"), (4, "bfloat16")):
            shape = dict(m=16 * tall, k=16, n=16 * wide, block=(16, 16, 16), group_m=group_m)
            given = self.prepared(rng, Probe(case(en="", zh="", dtype=dtype, **shape)))
            written = self.written_by(attempt, given)
            if written is None:
                fail(
                    en="What is returned is not what the kernel stored; let the kernel store each tile into the output.",
                    zh="返回的不是 kernel 写出的张量；应让 kernel 把每一块直接写入输出。",
                )
            tiles = written[::16, ::16].flatten().argsort()  # by the order in which they are started
            if sorted(written.unique().tolist()) != list(range(tall * wide)):
                fail(
                    en=f"{tall} × {wide} tiles are written by {len(written.unique())} programs; there is one program a tile.",
                    zh=f"{tall} × {wide} 块由 {len(written.unique())} 个 program 写出；应当每块一个 program。",
                )
            order = [(int(tile) // wide, int(tile) % wide) for tile in tiles]
            if order != grouped(tall, wide, group_m):
                shown = ", ".join(map(str, order[:8]))
                right = ", ".join(map(str, grouped(tall, wide, group_m)[:8]))
                fail(
                    en=f"With {tall} × {wide} tiles and group_m = {group_m} the programs begin with the tiles (row, column) "
                    f"{shown}; in groups of {group_m} rows, down each column, they are {right}.",
                    zh=f"共 {tall} × {wide} 块、group_m = {group_m} 时，各 program 依次处理的块（行, 列）是 {shown}；"
                    f"按 {group_m} 行一组、组内逐列向下，应为 {right}。",
                )


def grouped(tall, wide, group_m):
    """The tiles in groups of `group_m` rows, down each column of a group."""
    groups = [range(first, min(first + group_m, tall)) for first in range(0, tall, group_m)]
    return [(row, col) for rows in groups for col in range(wide) for row in rows]
