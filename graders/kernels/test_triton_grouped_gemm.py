"""Grader of the grouped matrix product; the truth is a loop over the experts in fp64."""

import torch
import torch.nn.functional as F

from thinkllm_drill.grading import KernelSuite, assert_rounded_once, case, check, fail, speed, title
from thinkllm_drill.grading.kernels import explained

SMALL = (16, 16, 16)


class TestGroupedGemm(KernelSuite):
    entry = "grouped_gemm"
    cases = [
        case(en="one expert, one tile", zh="一个专家，恰好一块", groups=(16,), k=16, n=16, block=SMALL),
        case(en="one expert, several tiles", zh="一个专家，多块", groups=(48,), k=32, n=64, block=(16, 32, 16)),
        case(en="two experts, full tiles", zh="两个专家，块都是满的", groups=(32, 48), k=32, n=16, block=(16, 16, 32)),
        case(en="ragged groups, every side with a tail", zh="各组大小不一，各边都不是块的倍数", groups=(5, 17, 1), k=20, n=18, block=SMALL),
        case(en="empty groups first, between and last", zh="首、中、尾都有空的组", groups=(0, 7, 0, 0, 18, 0), k=17, n=9, block=SMALL),
        case(en="one token an expert", zh="每个专家一个 token", groups=(1, 1, 1, 1, 1), k=9, n=20, block=(32, 16, 16)),
        case(en="the default tiles", zh="默认的块", groups=(5, 131), k=70, n=23),
        case(en="a long k", zh="很长的 k", groups=(2, 1), k=600, n=5, block=(16, 16, 64), reduction=600),
    ]  # fmt: skip
    edges = [
        case(en="one token, twenty experts", zh="一个 token，二十个专家", groups=(*[0] * 17, 1, 0, 0), k=3, n=5, block=SMALL),
        case(en="one more than a tile", zh="比块多一", groups=(17, 17), k=17, n=17, block=SMALL),
        case(en="one less than a tile", zh="比块少一", groups=(15, 31), k=15, n=15, block=SMALL),
        case(en="k and n are 1", zh="k 与 n 为 1", groups=(3, 2), k=1, n=1, block=SMALL),
        case(en="transposed x, permuted w", zh="x 是转置得到的，w 的维度经过重排", groups=(4, 18), k=20, n=18, block=SMALL, permuted=True),
        case(en="150 experts", zh="150 个专家", groups=(1, 0, 0, 2, 0) * 30, k=5, n=7, block=SMALL),
        case(en="an expert with several default tiles", zh="一个专家有多个默认的块", groups=(3, 300), k=20, n=140),
        case(en="bfloat16 beyond the range of float16", zh="超出 float16 范围的 bfloat16", groups=(9, 20), k=40, n=9, block=(16, 16, 32), scale=1e6, dtype="bfloat16"),
        case(en="bfloat16", zh="bfloat16", groups=(9, 0, 40), k=40, n=9, block=(16, 16, 32), dtype="bfloat16"),
        case(en="float16, sums beyond 1000", zh="float16，和超过 1000", groups=(20, 3), k=40, n=19, block=(16, 32, 16), scale=16.0, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(
            en="bfloat16, 16384 tokens, 8 experts of uneven load, 4096 × 4096",
            zh="bfloat16，16384 个 token，8 个负载不均的专家，4096 × 4096",
            flops=2 * 16384 * 4096 * 4096,
            peer="peer",
            **dict(groups=(4801, 1203, 2048, 999, 3127, 0, 1706, 2500), k=4096, n=4096),
        ),
        speed(
            en="bfloat16, 64 experts with 64 tokens each, 2048 × 2048",
            zh="bfloat16，64 个专家各 64 个 token，2048 × 2048",
            bytes=2 * (4096 * (2048 + 2048) + 64 * 2048 * 2048),
            **dict(groups=(64,) * 64, k=2048, n=2048),
        ),
    )

    def inputs(self, rng, *, groups, k, n, block=None, scale=1.0, permuted=False):
        given = {
            "x": rng.normal((sum(groups), k)) * scale,
            "w": rng.normal((len(groups), n, k)),
            "offsets": torch.tensor([0, *groups]).cumsum(0),
        }
        if block is not None:
            given |= dict(zip(("block_m", "block_n", "block_k"), block, strict=True))
        return given

    def prepared(self, rng, probe):
        given = super().prepared(rng, probe)
        if probe.case.params.get("permuted"):
            given |= {
                "x": given["x"].T.contiguous().T,
                "w": given["w"].permute(2, 0, 1).contiguous().permute(1, 2, 0),  # its experts are n apart
            }
        return given

    def expected(self, *, x, w, offsets, **_):
        ends = offsets.tolist()
        rows = zip(ends[:-1], ends[1:], w, strict=True)
        return torch.cat([x[first:last] @ weight.mT for first, last, weight in rows])

    def peer(self, *, x, w, offsets, **_):
        """torch's own kernel of CUTLASS."""
        return F.grouped_mm(x, w.mT, offs=offsets[1:].int())

    def valid(self, *, groups, k, n, block=SMALL, **_):
        sides = all(side >= 16 and side & (side - 1) == 0 for side in block)
        return sides and min(k, n, sum(groups)) > 0 and min(groups) >= 0

    @title(en="the default tiles are those of the interface", zh="默认的块与接口一致")
    def test_defaults(self, attempt):
        stated = {"block_m": "128", "block_n": "128", "block_k": "64"}
        given = {each["name"]: each["default"] for each in attempt.describe([self.entry])[self.entry]["parameters"]}
        if wrong := [name for name, value in stated.items() if given.get(name, value) != value]:
            fail(
                en=f"The defaults are block_m=128, block_n=128, block_k=64; yours differ in {', '.join(wrong)}.",
                zh=f"默认值应为 block_m=128、block_n=128、block_k=64；你的 {', '.join(wrong)} 不同。",
            )

    @title(en="half precision: summed in float32, rounded once", zh="半精度：用 float32 累加，只舍入一次")
    def test_half_precision(self, attempt, rng):
        for dtype in (torch.bfloat16, torch.float16):
            given = self.inputs(rng, groups=(3, 13), k=200, n=16, block=SMALL)
            given |= {"x": given["x"].abs().to(dtype), "w": given["w"].abs().to(dtype)}
            with explained():
                found = attempt[self.entry](**given)
            assert_rounded_once(
                found,
                self.expected(**given | {"x": given["x"].double(), "w": given["w"].double()}),
                dtype,
                en="Sum in float32 from the first step along k to the last, and convert when storing: some sums are off by "
                "more than one rounding.",
                zh="沿 k 自始至终用 float32 累加，store 时才转换：有些和的误差超出了一次舍入。",
            )

    @title(en="an expert meets its own tokens only", zh="每个专家只处理自己的 token")
    def test_apart(self, attempt, rng):
        """NaN in an expert without tokens, and in one row of x, stays where it is."""
        given = self.inputs(rng, groups=(3, 0, 18), k=16, n=16, block=SMALL)
        given["x"][1] = torch.nan
        given["w"][1] = torch.nan
        with explained():
            found = attempt[self.entry](**given)
        if not torch.equal(found.isnan().any(1), torch.arange(21) == 1):
            fail(
                en="The weight of an expert without tokens, and one row of x, are NaN: only that row of the output may be NaN. "
                "Choose the expert by its address; do not multiply what is not wanted by 0.",
                zh="没有 token 的专家的权重、以及 x 的某一行是 NaN：输出中只有那一行可以是 NaN。应按地址选择专家，而不是把不要的部分乘以 0。",
            )

    @check("cost")
    @title(en="no load or store is larger than a tile", zh="每次 load 与 store 都不大于一块")
    def test_width(self, attempt, rng):
        for block in ((16, 32, 16), (32, 16, 16)):
            work, _ = self.work(attempt, rng, groups=(20, 10), k=80, n=32, block=block)
            if work.widest > 512:
                sides = " × ".join(map(str, block))
                fail(
                    en=f"With tiles of {sides}, line {work.widest_line} touches {work.widest} elements at once; the largest "
                    "tile has 512. Take k in steps of block_k.",
                    zh=f"块为 {sides} 时，第 {work.widest_line} 行一次访问了 {work.widest} 个元素，而最大的块只有 512 个。"
                    "应以 block_k 为步长沿 k 前进。",
                )

    @check("cost")
    @title(en="no padded work, nothing for empty groups", zh="没有 padding 的计算，空的组没有开销")
    def test_traffic(self, attempt, rng):
        groups, k, n = (33, 0, 32, 3, 0), 48, 64
        work, given = self.work(attempt, rng, groups=groups, k=k, n=n, block=(32, 32, 16))
        tiles = sum(-(-tokens // 32) for tokens in groups)
        most = tiles * (n * k + 32 * k * (n // 32)) + sum(groups) * n
        moved = work.traffic(at_least=min(given[name].nbytes for name in ("x", "w")))
        if moved > most:
            fail(
                en=f"Groups of {', '.join(map(str, groups))} tokens are {tiles} row tiles of 32; with n = {n} and k = {k} they "
                f"move at most {most} elements, your kernels {moved}. A group has ⌈tokens / block_m⌉ row tiles, an empty one "
                "none; each loads its weight once, and programs without a tile load nothing.",
                zh=f"各组有 {', '.join(map(str, groups))} 个 token，即 {tiles} 个 32 行的块；n = {n}、k = {k} 时至多搬运 {most} 个元素，"
                f"你的 kernel 搬运了 {moved} 个。每组有 ⌈token 数 / block_m⌉ 个行块，空的组没有；每个行块把权重读一遍，没有分到块的 program 什么也不读。",
            )

    @check("cost")
    @title(en="the launches do not grow with the experts", zh="启动次数不随专家数增长")
    def test_launches(self, attempt, rng):
        work, _ = self.work(attempt, rng, groups=(2, 0, 1, 3, 1, 1), k=16, n=16, block=SMALL)
        if work.launches > 2:
            fail(
                en=f"For 6 experts you launch {work.launches} kernels. One takes the tiles of all experts; another before it "
                "may prepare a table.",
                zh=f"6 个专家启动了 {work.launches} 次 kernel。一个 kernel 就能处理所有专家的块；在它之前至多再用一个来准备表。",
            )
