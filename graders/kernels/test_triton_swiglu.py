"""Grader of the fused SwiGLU gate and its backward pass; the truth is torch's silu and autograd in fp64."""

import torch
import torch.nn.functional as F

from thinkllm_drill.grading import KernelSuite, assert_close, assert_rounded_once, case, check, fail, speed, title
from thinkllm_drill.grading.kernels import explained

CANCELLED = 2e-6  # 1 + gate · (1 − s) near −1.28 in float32, times grad · up


class TestSwiGLU(KernelSuite):
    entry = "swiglu"
    gradients = ("gate", "up")
    cases = [
        case(en="rows of one block", zh="一行恰好一个块", n=2, d=16, block=16),
        case(en="rows shorter than the block", zh="行比块短", n=3, d=5, block=16),
        case(en="a last block that is partly filled", zh="最后一块不满", n=3, d=41, block=16),
        case(en="parts of wider matrices", zh="更宽矩阵的一部分", n=3, d=21, block=16, parts=True),
        case(en="several blocks a row", zh="一行占多个块", n=2, d=48, block=16),
        case(en="one row", zh="只有一行", n=1, d=37, block=32),
        case(en="the default block", zh="默认的 block", n=3, d=37),
        case(en="transposed inputs", zh="转置得到的输入", n=3, d=21, block=16, transposed=True),
        case(en="a gate with one row for all", zh="各行共用一行 gate", n=3, d=21, block=16, expanded=True),
    ]
    edges = [
        case(en="one column", zh="只有一列", n=3, d=1, block=16, factor=64),
        case(en="one column more than the block", zh="比块多一列", n=2, d=33, block=32),
        case(en="gates of ±20 to ±1000", zh="gate 为 ±20 到 ±1000", n=2, d=16, block=16, far=True),
        case(en="bfloat16", zh="bfloat16", n=3, d=37, block=16, dtype="bfloat16"),
        case(en="float16", zh="float16", n=3, d=37, block=16, dtype="float16"),
    ]
    speeds = (
        speed(
            en="8192 × 14336, forward",
            zh="8192 × 14336，前向",
            bytes=3 * 8192 * 14336 * 2,
            flops=8 * 8192 * 14336,
            n=8192,
            d=14336,
        ),
        speed(
            en="16384 × 11008, forward, not a multiple of the block",
            zh="16384 × 11008，前向，不是块的整数倍",
            bytes=3 * 16384 * 11008 * 2,
            flops=8 * 16384 * 11008,
            n=16384,
            d=11008,
        ),
    )

    def inputs(self, rng, *, n, d, block=None, parts=False, far=False, transposed=False, expanded=False):
        gate, up = 2 * rng.normal((n, d)), rng.normal((n, d))
        if parts:
            gate, up = torch.cat((up, gate), dim=1)[:, d:], torch.cat((gate, up, gate), dim=1)[:, d : 2 * d]
        if far:
            gate = extreme(rng, n, d)
        if transposed:
            gate, up = gate.T.contiguous().T, up.T.contiguous().T
        if expanded:
            gate = gate[:1].expand(n, d)
        given = {"gate": gate, "up": up}
        return given if block is None else given | {"block": block}

    def expected(self, *, gate, up, block=1024):
        return F.silu(gate) * up

    def valid(self, *, block=1024, n, d, **_):
        return block >= 16 and block & (block - 1) == 0 and min(n, d) > 0

    def pulled(self, attempt, reference, grad, **inputs):
        """The attempt's gradients, and the right ones in fp64."""
        with explained():
            _, found = attempt.vjp(attempt.swiglu, inputs, self.gradients, {0: grad})
        _, right = reference.vjp(self.truth(reference), inputs, self.gradients, {0: grad})
        return [(name, found[name], right[name]) for name in self.gradients]

    @check("gradients")
    @title(en="gradients where the gate is 0, ±20 to ±1000", zh="gate 为 0 与 ±20 到 ±1000 处的梯度")
    def test_far_gates(self, attempt, reference, rng):
        gate, grad = extreme(rng, 2, 16), rng.uniform((2, 16), 0.5, 1.5)
        gate[0, 0] = 0.0
        for name, found, right in self.pulled(attempt, reference, grad, gate=gate, up=rng.normal((2, 16)), block=16):
            assert_close(
                found,
                right,
                en=f"the gradient of {name}, for gates of 0 and ±20 to ±1000: finite, and silu'(gate) is 1/2 at 0, 0 far to "
                "the left, 1 far to the right",
                zh=f"gate 为 0 与 ±20 到 ±1000 时 {name} 的梯度：应为有限值，silu'(gate) 在 0 处为 1/2，很负时为 0，很大时为 1",
            )

    @check("gradients")
    @title(en="gradients of transposed and of expanded inputs", zh="转置与 expand 得到的输入的梯度")
    def test_layouts(self, attempt, reference, rng):
        for how in ("transposed", "expanded"):
            given, grad = self.inputs(rng, n=3, d=21, block=16, **{how: True}), rng.normal((3, 21))
            for name, found, right in self.pulled(attempt, reference, grad, **given):
                assert_close(
                    found,
                    right,
                    en=f"the gradient of {name} where the inputs are {how}: gradients are row-major only where you make them so",
                    zh=f"输入由{'转置' if how == 'transposed' else ' expand '}得到时 {name} 的梯度：只有按行主序创建，它才是行主序的",
                )

    @check("gradients")
    @title(en="the gradient that a sum sends back", zh="求和传回的梯度")
    def test_expanded_gradient(self, attempt, reference, rng):
        """Its strides are all 0."""
        gate, up, grad = rng.normal((3, 21)), rng.normal((3, 21)), torch.ones(()).expand(3, 21)
        for name, found, right in self.pulled(attempt, reference, grad, gate=gate, up=up, block=16):
            assert_close(
                found,
                right,
                en=f"the gradient of {name} after swiglu(…).sum().backward(): grad_out is one number, expanded, with strides 0",
                zh=f"swiglu(…).sum().backward() 之后 {name} 的梯度：grad_out 是由一个数 expand 出来的，stride 全为 0",
            )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        for dtype in (torch.bfloat16, torch.float16):
            gate, up, grad = ((1.5 * rng.normal((4, 64))).to(dtype) for _ in range(3))
            with explained():
                found = attempt.swiglu(gate=gate, up=up, block=64)
            words = {
                "en": "Convert to float32 right after loading; only results are rounded, silu(gate) is not.",
                "zh": "load 之后立即转为 float32；只有结果才舍入，silu(gate) 不舍入。",
            }
            assert_rounded_once(found, self.expected(gate=gate.double(), up=up.double()), dtype, beside=1e-6, **words)
            for name, value, right in self.pulled(attempt, reference, grad, gate=gate, up=up, block=64):
                en, zh = f"The gradient of {name}: " + words["en"], f"{name} 的梯度：" + words["zh"]
                assert_rounded_once(value, right, dtype, beside=CANCELLED * float(right.abs().max()), en=en, zh=zh)

    @check("cost")
    @title(en="no load or store is wider than block", zh="每次 load 与 store 都不宽于 block")
    def test_width(self, attempt, rng):
        for n, d in ((3, 20), (2, 70)):
            work, inputs = self.work_with_backward(attempt, rng, n=n, d=d, block=16)
            if work.widest > inputs["block"]:
                fail(
                    en=f"With rows of {d}, line {work.widest_line} touches {work.widest} elements at once although block is "
                    "16: give each program one block, and launch as many programs as there are blocks.",
                    zh=f"一行 {d} 个元素时，第 {work.widest_line} 行一次访问了 {work.widest} 个元素，而 block 是 16："
                    "每个 program 只处理一块，有多少块就启动多少个 program。",
                )

    @check("cost")
    @title(en="3 elements moved forward, 5 backward", zh="前向搬运 3 个元素，反向 5 个")
    def test_traffic(self, attempt, rng):
        forward, inputs = self.work(attempt, rng, n=3, d=70, block=16)
        both, _ = self.work_with_backward(attempt, rng, n=3, d=70, block=16)
        gate = inputs["gate"]
        ahead, moved = (work.traffic(at_least=gate.nbytes) / gate.numel() for work in (forward, both))
        if ahead > 3:
            fail(
                en=f"Forward, your kernels move {ahead:.3g} elements for each element of the output; 3 are enough: read gate "
                "and up once, write once.",
                zh=f"前向中，平均每个输出元素，你的 kernel 搬运了 {ahead:.3g} 个元素；3 个就够了：gate 与 up 各读一次，写一次。",
            )
        if moved - ahead > 5:
            fail(
                en=f"Backward, your kernels move {moved - ahead:.3g} elements for each element; 5 are enough: one kernel reads "
                "grad_out, gate and up once and writes both gradients.",
                zh=f"反向中，平均每个元素，你的 kernel 搬运了 {moved - ahead:.3g} 个元素；5 个就够了：同一个 kernel 把 grad_out、"
                "gate、up 各读一次，写出两个梯度。",
            )

    @check("cost")
    @title(en="gate and up alone are kept for backward", zh="只为反向保留 gate 与 up")
    def test_saved(self, attempt, rng):
        for dtype, halves in ((torch.float32, False), (torch.bfloat16, False), (torch.float32, True)):
            gate, up = (value.to(dtype) for value in rng.normal((16, 128)).chunk(2, dim=1))
            if not halves:
                gate, up = gate.contiguous(), up.contiguous()
            kept = attempt.profile("swiglu", gate=gate, up=up, block=64, saved=True).saved_bytes
            one = gate.numel() * gate.element_size()
            if kept >= one // 2 and halves:
                fail(
                    en="gate and up are the halves of one (n, 2 · d) tensor: their columns are adjacent, their rows 2 · d apart. "
                    f"You keep {kept / one:.2g} copies of the size of one of them for backward: pass row strides to the "
                    "kernels in place of calling contiguous().",
                    zh="gate 与 up 是同一个 (n, 2 · d) 张量的两半：列相邻，行间隔 2 · d。你为反向保留了 "
                    f"{kept / one:.2g} 份（以其中一个的大小计）拷贝：应把行 stride 传给 kernel，而不是调用 contiguous()。",
                )
            if kept >= one // 2:
                fail(
                    en=f"Beyond gate and up, {kept} bytes are kept for backward ({kept / one:.2g} times one of them). Save the "
                    "two inputs alone, and compute the sigmoid again from gate.",
                    zh=f"除 gate 与 up 之外，还为反向保留了 {kept} 字节（是其中一个的 {kept / one:.2g} 倍）。应只保存这两个输入，"
                    "由 gate 重新计算 sigmoid。",
                )


def extreme(rng, n, d):
    """Gates of ±20 to ±1000 in each row, in no order."""
    sizes = torch.tensor([20.0, -20.0, 90.0, -90.0, 200.0, -200.0, 1000.0, -1000.0])
    return torch.stack([sizes[torch.arange(d) % 8][rng.permutation(d)] for _ in range(n)])
