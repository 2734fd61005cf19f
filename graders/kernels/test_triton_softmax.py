"""Grader of the Triton softmax; the truth is torch's own softmax in fp64."""

import torch

from thinkllm_drill.grading import KernelSuite, case, check, fail, speed, title
from thinkllm_drill.grading.kernels import explained

ALL_WITHIN = "lambda f, x, block, right, part: bool(((f(x=x, block=block) - right).abs() <= part * right.abs()).all())"
"""Whether each entry, however small, is right to a part of itself."""


class TestSoftmax(KernelSuite):
    entry = "softmax"
    cases = [
        case(en="rows of one block", zh="一行恰好一个块", n=2, d=16, block=16),
        case(en="a row shorter than the block", zh="行比块短", n=3, d=5, block=16),
        case(en="a row of several blocks", zh="一行占多个块", n=2, d=48, block=16),
        case(en="a last block that is partly filled", zh="最后一块不满", n=3, d=41, block=16),
        case(en="the maximum rises in every block", zh="最大值逐块上升", n=2, d=41, block=16, slope=8.0, factor=64),
        case(en="the maximum is in the first block", zh="最大值在第一块", n=2, d=41, block=16, slope=-64.0),
        case(en="the default block", zh="默认的 block", n=3, d=37),
        case(en="a long row", zh="长行", n=1, d=4099, block=512, reduction=4099),
    ]
    edges = [
        case(en="one column", zh="只有一列", n=3, d=1, block=16),
        case(en="one column, one row −inf", zh="只有一列，一行为 −inf", n=3, d=1, block=16, masked="row"),
        case(en="one column more than the block", zh="比块多一列", n=2, d=33, block=32),
        case(en="logits of ±10000", zh="±10000 的 logit", n=3, d=37, block=16, scale=1e4, factor=32768),
        case(en="rows near −10000 and near 10000", zh="各行在 −10000 与 10000 附近", n=2, d=21, block=16, apart=1e4, factor=16384),
        case(en="rows near −10³⁸ and near 10³⁸", zh="各行在 −10³⁸ 与 10³⁸ 附近", n=2, d=21, block=16, scale=1e36, apart=1e38),
        case(en="some entries −inf", zh="部分项为 −inf", n=2, d=37, block=16, masked="some"),
        case(en="the first block all −inf", zh="第一块全为 −inf", n=2, d=37, block=16, masked="first", factor=24),
        case(en="the last block all −inf", zh="最后一块全为 −inf", n=2, d=37, block=16, masked="last"),
        case(en="one row all −inf", zh="一行全为 −inf", n=3, d=21, block=16, masked="row"),
        case(en="one row of full blocks all −inf", zh="块全满的一行全为 −inf", n=2, d=32, block=16, masked="row"),
        case(en="a transposed input", zh="转置得到的输入", n=3, d=21, block=16, transposed=True),
        case(en="bfloat16", zh="bfloat16", n=2, d=37, block=16, dtype="bfloat16"),
        case(en="float16", zh="float16", n=2, d=37, block=16, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(en="bfloat16 rows of 4096", zh="每行 4096 个 bfloat16", bytes=2 * 2 * 65536 * 4096, n=65536, d=4096, block=4096),
        # the second read of a row that is longer than the block comes from memory, too: 2 of 3 is what can be had
        speed(en="bfloat16 rows of 65536", zh="每行 65536 个 bfloat16", bytes=2 * 2 * 4096 * 65536, n=4096, d=65536, block=4096, at_least=0.5, star=0.6),
    )  # fmt: skip

    def inputs(self, rng, *, n, d, block=None, scale=1.0, apart=0.0, slope=0.0, masked="", transposed=False):
        x = rng.normal((n, d)) * scale + slope * torch.arange(d) / 16
        x += apart * (2 * (torch.arange(n) % 2) - 1)[:, None]
        match masked:
            case "some":
                x[:, 1::3] = -torch.inf
            case "first":
                x[:, :16] = -torch.inf
            case "last":
                x[:, 32:] = -torch.inf
            case "row":
                x[1:2] = -torch.inf
        if transposed:
            x = x.T.contiguous().T
        return {"x": x} if block is None else {"x": x, "block": block}

    def expected(self, *, x, block=1024):
        return torch.softmax(x, dim=-1)

    def valid(self, *, block=1024, masked="", d, **_):
        return block >= 16 and block & (block - 1) == 0 and (masked not in ("first", "last") or d > 32)

    @title(en="a single column has probability 1", zh="只有一列时概率为 1")
    def test_one_column(self, attempt, rng):
        error = (attempt.softmax(x=rng.normal((3, 1)), block=16).double() - 1).abs().max()
        if not error <= 2.0**-22:
            fail(
                en=f"The only entry of a row has probability 1; yours is off by {error:.2g}, more than rounding.",
                zh=f"一行只有一项时概率为 1；你的结果差了 {error:.2g}，超出了舍入误差。",
            )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, rng):
        far = rng.integers(-255, 256, (1, 37)) / 1024  # 70 less than the maximum takes more digits than bfloat16 has
        far[0, rng.randint(0, 37)] = 70.0
        many = torch.full((1, 400), -5.6875)  # exp of it is lost where it is added to 1 in bfloat16
        many[:, :16] = 0.0
        spread = rng.normal((8, 40))
        wrong = []
        for x, block, en, zh in (
            (spread.bfloat16(), 64, "bfloat16 logits of a normal distribution", "正态分布的 bfloat16 logit"),
            (spread.half(), 64, "float16 logits of a normal distribution", "正态分布的 float16 logit"),
            (far.bfloat16(), 16, "bfloat16 logits near 0 beside one of 70", "一个为 70、其余接近 0 的 bfloat16 logit"),
            (
                many.bfloat16(),
                16,
                "many small terms after a block of 1s in bfloat16",
                "bfloat16 下先有一块 1、后有许多小项",
            ),
            (torch.zeros(1, 65536).half(), 8192, "65536 equal float16 logits", "65536 个相等的 float16 logit"),
        ):
            right, part = torch.softmax(x.double(), dim=-1), 0.51 * torch.finfo(x.dtype).eps
            with explained():
                if not attempt.local(ALL_WITHIN)(attempt[self.entry], x, block, right, part):
                    wrong.append((en, zh))
        if wrong:
            en, zh = (words.join(each) for words, each in zip(("; ", "；"), zip(*wrong, strict=True), strict=True))
            fail(
                en="Convert to float32 before anything is computed, keep sums in float32, convert back at the end. Entries "
                f"are off by more than rounding for: {en}.",
                zh=f"应先转 float32 再做任何计算，用 float32 累加，最后才转回。以下输入有些项的误差超出了舍入误差：{zh}。",
            )

    @check("cost")
    @title(en="no load or store is wider than block", zh="每次 load 与 store 都不宽于 block")
    def test_width(self, attempt, rng):
        for d in (20, 70):
            work, inputs = self.work(attempt, rng, n=2, d=d, block=16)
            if work.widest > inputs["block"]:
                fail(
                    en=f"With rows of {d}, line {work.widest_line} touches {work.widest} elements at once although block is "
                    "16: a row that is longer than the block must be read block by block.",
                    zh=f"一行 {d} 个元素时，第 {work.widest_line} 行一次访问了 {work.widest} 个元素，而 block 是 16："
                    "比块长的行要逐块读取。",
                )

    @check("cost")
    @title(en="two reads and one write per element", zh="每个元素读两次、写一次")
    def test_traffic(self, attempt, rng):
        work, inputs = self.work(attempt, rng, n=3, d=200, block=16)
        moved = work.traffic(at_least=inputs["x"].nbytes) / inputs["x"].numel()
        if moved > 3:
            fail(
                en=f"Your kernels move {moved:.4g} elements for each element of x; two reads and one write are enough: "
                "the maximum and the sum can be found in the same pass.",
                zh=f"平均 x 的每个元素，你的 kernel 搬运了 {moved:.4g} 次；读两次、写一次就够了：最大值与指数和可以在同一遍里求出。",
            )
