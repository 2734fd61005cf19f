"""Grader of the fused bias and GELU; the truth is torch's own GELU in fp64."""

import torch
import torch.nn.functional as F

from thinkllm_drill.grading import KernelSuite, assert_rounded_once, case, check, fail, speed, title
from thinkllm_drill.grading.kernels import explained

CANCELLED = 1e-6  # 1 + tanh(u) in float32, times z of at most 12


class TestBiasGelu(KernelSuite):
    entry = "bias_gelu"
    cases = [
        case(en="rows of one block", zh="一行恰好一个块", n=2, d=16, block=16),
        case(en="rows shorter than the block", zh="行比块短", n=3, d=13, block=16),
        case(en="several blocks a row", zh="一行占多个块", n=2, d=48, block=16),
        case(en="a last block that is partly filled", zh="最后一块不满", n=3, d=41, block=16),
        case(en="as many rows as columns", zh="行数等于列数", n=13, d=13, block=16),
        case(en="one row", zh="只有一行", n=1, d=37, block=32),
        case(en="a bias that is much larger than x", zh="bias 远大于 x", n=3, d=21, block=16, push=3.0),
        case(en="the default block", zh="默认的 block", n=3, d=37),
    ]
    edges = [
        case(en="one column", zh="只有一列", n=3, d=1, block=16, offset=3.0),
        case(en="one column more than the block", zh="比块多一列", n=2, d=33, block=32),
        case(en="z up to ±10000", zh="z 达 ±10000", n=3, d=21, block=16, scale=1e4),
        case(en="each by itself, ±20 to ±10000", zh="逐项衡量，±20 到 ±10000", n=8, d=1, block=16, far=True),
        case(en="a transposed input", zh="转置得到的输入", n=3, d=21, block=16, transposed=True),
        case(en="an expanded column", zh="expand 得到的列", n=3, d=21, block=16, expanded=True),
        case(en="bfloat16", zh="bfloat16", n=3, d=37, block=16, dtype="bfloat16"),
        case(en="float16", zh="float16", n=3, d=37, block=16, dtype="float16"),
        case(en="float16, x around ±300", zh="float16，x 在 ±300 左右", n=3, d=37, block=16, scale=300.0, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(
            en="16384 × 8192",
            zh="16384 × 8192",
            bytes=2 * 16384 * 8192 * 2 + 8192 * 2,
            flops=15 * 16384 * 8192,
            n=16384,
            d=8192,
        ),
        speed(
            en="12288 × 11008, not a multiple of the block",
            zh="12288 × 11008，不是块的整数倍",
            bytes=2 * 12288 * 11008 * 2 + 11008 * 2,
            flops=15 * 12288 * 11008,
            n=12288,
            d=11008,
        ),
    )

    def inputs(
        self, rng, *, n, d, block=None, scale=1.0, offset=0.0, push=1.0, far=False, transposed=False, expanded=False
    ):
        x, bias = rng.normal((n, d)) * scale + offset, rng.normal((d,)) * push
        if far:
            sizes = torch.tensor([20.0, -20.0, 90.0, -90.0, 1000.0, -1000.0, 9999.0, -9999.0])
            x = (sizes[torch.arange(n) % 8] * rng.uniform((n,), 1.0, 1.0001))[:, None].expand(n, d).contiguous()
            bias = bias * 0.0
        else:  # one entry of at least 1 a row: where all are small, 1 + tanh(u) cancels and no scale tells of it
            x[:, 0] = x[:, 0].abs() + 1.0 - bias[0]
        if transposed:
            x = x.T.contiguous().T
        if expanded:
            x = x[:, :1].expand(n, d)
        given = {"x": x, "bias": bias}
        return given if block is None else given | {"block": block}

    def expected(self, *, x, bias, block=1024):
        return F.gelu(x + bias, approximate="tanh")

    def valid(self, *, block=1024, n, d, **_):
        return block >= 16 and block & (block - 1) == 0 and min(n, d) > 0

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, rng):
        for dtype in (torch.bfloat16, torch.float16):
            x, bias = (1.5 * rng.normal((4, 64))).to(dtype), rng.normal((64,)).to(dtype)
            with explained():
                found = attempt.bias_gelu(x=x, bias=bias, block=64)
            assert_rounded_once(
                found,
                self.expected(x=x.double(), bias=bias.double()),
                dtype,
                beside=CANCELLED,
                en="Convert x and the bias to float32 right after loading, before they are added; only the result is rounded.",
                zh="x 与 bias 在 load 之后、相加之前就应转为 float32；只有结果才舍入。",
            )

    @check("cost")
    @title(en="no load or store is wider than block", zh="每次 load 与 store 都不宽于 block")
    def test_width(self, attempt, rng):
        for n, d in ((3, 20), (2, 70)):
            work, inputs = self.work(attempt, rng, n=n, d=d, block=16)
            if work.widest > inputs["block"]:
                fail(
                    en=f"With rows of {d}, line {work.widest_line} touches {work.widest} elements at once although block is "
                    "16: give each program one block, and launch as many programs as there are blocks.",
                    zh=f"一行 {d} 个元素时，第 {work.widest_line} 行一次访问了 {work.widest} 个元素，而 block 是 16："
                    "每个 program 只处理一块，有多少块就启动多少个 program。",
                )

    @check("cost")
    @title(en="one read and one write per element", zh="每个元素读一次、写一次")
    def test_traffic(self, attempt, rng):
        work, inputs = self.work(attempt, rng, n=3, d=70, block=16)
        moved = work.traffic(at_least=inputs["x"].nbytes) / inputs["x"].numel()
        if moved > 2:
            fail(
                en=f"Your kernels move {moved:.3g} elements for each element of x; one read and one write are enough: keep "
                "x + bias in registers and apply GELU to it at once.",
                zh=f"平均 x 的每个元素，你的 kernel 搬运了 {moved:.3g} 次；读一次、写一次就够了：x + bias 应留在寄存器里，"
                "紧接着做 GELU。",
            )
