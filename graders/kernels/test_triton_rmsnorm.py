"""Grader of residual add and RMSNorm with their backward pass; the truth is plain torch and autograd in fp64."""

import torch

from thinkllm_drill.grading import KernelSuite, assert_close, assert_rounded_once, case, check, fail, speed, title
from thinkllm_drill.grading.kernels import explained

SAVED = """
def saved(function, x, residual, weight):
    leaves = [tensor.detach().requires_grad_() for tensor in (x, residual, weight)]
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: (kept.append(tensor.detach()), tensor)[1], lambda tensor: tensor):
        out, h = function(x=leaves[0], residual=leaves[1], weight=leaves[2])
    kept += [value for value in torch.utils._pytree.tree_leaves(dict(vars(out.grad_fn))) if isinstance(value, torch.Tensor)]
    free = {tensor.untyped_storage().data_ptr() for tensor in (h, leaves[2])}
    sizes = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in kept}
    return sum(size for place, size in sizes.items() if place not in free)
"""
"""Bytes that are kept for backward beside h and the weight."""


class TestFusedAddRMSNorm(KernelSuite):
    entry = "fused_add_rms_norm"
    outputs = ("out", "new_residual")
    gradients = ("x", "residual", "weight")
    cases = [
        case(en="rows of a power of two", zh="行长为 2 的幂", n=2, d=16),
        case(en="18 rows of no power of two", zh="18 行，行长不是 2 的幂", n=18, d=21),
        case(en="more rows than programs", zh="行数多于 program", n=5, d=193, programs=3, reduction=193),
        case(en="one program, a large eps", zh="一个 program，很大的 eps", n=3, d=9, programs=1, eps=0.5),
        case(en="a mean that is not 0", zh="均值不为 0", n=2, d=37, offset=2.0),
        case(en="entries as small as √eps", zh="元素与 √eps 相当", n=2, d=21, scale=1e-3),
        case(en="a residual that is much larger than x", zh="residual 远大于 x", n=2, d=21, push=30.0),
        case(en="long rows", zh="长行", n=2, d=1030, reduction=1030),
        case(en="one column", zh="只有一列", n=3, d=1, eps=0.5),
    ]
    edges = [
        case(en="one row", zh="只有一行", n=1, d=21),
        case(en="a row whose sum is zero", zh="和全为零的一行", n=3, d=21, zeros=True),
        case(en="transposed inputs", zh="转置得到的输入", n=3, d=21, transposed=True),
        case(en="bfloat16", zh="bfloat16", n=2, d=37, dtype="bfloat16"),
        case(en="float16", zh="float16", n=2, d=37, dtype="float16"),
        case(en="float16 entries of 300", zh="300 左右的 float16", n=2, d=37, scale=300.0, dtype="float16"),
    ]
    speeds = (
        speed(
            en="16384 × 4096, forward",
            zh="16384 × 4096，前向",
            bytes=4 * 16384 * 4096 * 2,
            flops=6 * 16384 * 4096,
            n=16384,
            d=4096,
        ),
        speed(
            en="8192 × 7168, forward, no power of two",
            zh="8192 × 7168，前向，不是 2 的幂",
            bytes=4 * 8192 * 7168 * 2,
            flops=6 * 8192 * 7168,
            n=8192,
            d=7168,
        ),
    )

    def inputs(
        self,
        rng,
        *,
        n,
        d,
        eps=None,
        programs=None,
        scale=1.0,
        offset=0.0,
        push=1.0,
        zeros=False,
        transposed=False,
    ):
        x, residual = rng.normal((n, d)) * scale + offset, rng.normal((n, d)) * scale * push
        if zeros:
            residual[1:2] = -x[1:2]
        if transposed:
            x, residual = x.T.contiguous().T, residual.T.contiguous().T
        given = {"x": x, "residual": residual, "weight": 1 + 0.5 * rng.normal((d,))}
        chosen = {"eps": eps, "programs": programs}
        return given | {name: value for name, value in chosen.items() if value is not None}

    def expected(self, *, x, residual, weight, eps=1e-6, programs=256):
        h = x + residual
        wide = h.to(torch.promote_types(h.dtype, torch.float32))
        rstd = torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
        return (wide * rstd * weight.to(wide.dtype)).to(h.dtype), h

    def valid(self, *, n, d, programs=1, **_):
        return min(n, d, programs) > 0

    def pulled(self, attempt, reference, grads, **inputs):
        """The attempt's gradients, and the right ones in fp64."""
        with explained():
            _, found = attempt.vjp(attempt.fused_add_rms_norm, inputs, self.gradients, grads)
        _, right = reference.vjp(self.truth(reference), inputs, self.gradients, grads)
        return [(name, found[name], right[name]) for name in self.gradients]

    @check("gradients")
    @title(en="either output alone has a gradient", zh="只有一个输出有梯度")
    def test_one_output(self, attempt, reference, rng):
        inputs = self.inputs(rng, n=3, d=13, programs=2)
        for index, used in ((0, "out"), (1, "new_residual")):
            for name, found, right in self.pulled(attempt, reference, {index: rng.normal((3, 13))}, **inputs):
                assert_close(
                    found,
                    right,
                    en=f"the gradient of {name} where only {used} is used: the other output adds nothing",
                    zh=f"只用到 {used} 时 {name} 的梯度：另一个输出没有贡献",
                )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, rng):
        """The sum is exact here, so only what comes after it is judged."""
        for dtype in (torch.bfloat16, torch.float16):
            x, residual = (rng.integers(-16, 17, (3, 64)).to(dtype) / 8 for _ in range(2))
            weight = (1 + 0.5 * rng.normal((64,))).to(dtype)
            with explained():
                out, _ = attempt.fused_add_rms_norm(x=x, residual=residual, weight=weight)
            assert_rounded_once(
                out,
                self.expected(x=x.double(), residual=residual.double(), weight=weight.double())[0],
                dtype,
                en="The normalised row is multiplied by the weight in float32, and only the product is rounded.",
                zh="归一化后的行应在 float32 中乘 weight，只有乘积才舍入。",
            )

    @title(en="the rounded sum is what is normalised", zh="归一化的是舍入后的和")
    def test_rounded_sum(self, attempt, rng):
        for dtype in (torch.bfloat16, torch.float16):
            x, residual, weight = (rng.normal(shape).to(dtype) for shape in ((3, 64), (3, 64), (64,)))
            with explained():
                out, h = attempt.fused_add_rms_norm(x=x, residual=residual, weight=weight)
            assert_rounded_once(
                h,
                x.double() + residual.double(),
                dtype,
                en="The new residual is the sum in float32, rounded once.",
                zh="新的 residual 是 float32 中的和，只舍入一次。",
            )
            assert_rounded_once(
                out,
                self.expected(x=h.double(), residual=torch.zeros(3, 64).double(), weight=weight.double())[0],
                dtype,
                en="What is normalised is the new residual as it is stored, rounded to the dtype, since backward reads that.",
                zh="归一化的应当是写出的、已舍入到该 dtype 的新 residual，因为反向读到的就是它。",
            )

    @check("gradients")
    @title(en="half-precision gradients are computed in float32", zh="半精度梯度用 float32 计算")
    def test_half_precision_gradients(self, attempt, reference, rng):
        """The terms of the weight's gradient are near one another and many: a sum in half precision loses them.

        A single row shows what many average out: a factor that is rounded before it is multiplied.
        """
        d = 64
        for dtype, n in ((torch.bfloat16, 24), (torch.float16, 24), (torch.bfloat16, 1), (torch.float16, 1)):
            x = (1 + rng.integers(0, 9, (n, d)) / 64).to(dtype)
            grad = (1 + rng.integers(0, 9, (n, d)) / 64).to(dtype)
            given = {"x": x, "residual": torch.zeros_like(x), "weight": (1 + rng.integers(0, 9, (d,)) / 16).to(dtype)}
            grads = {0: grad, 1: (rng.integers(-8, 9, (n, d)) / 8).to(dtype)}
            for name, found, right in self.pulled(attempt, reference, grads, **given, programs=2):
                assert_rounded_once(
                    found,
                    right,
                    dtype,
                    beside=2e-6 * float(right.abs().max()),
                    en=f"The gradient of {name}: compute and sum in float32, from the first product to the last, and round "
                    "once when storing.",
                    zh=f"{name} 的梯度：从第一个乘积到最后的求和都用 float32，store 时只舍入一次。",
                )

    @check("cost")
    @title(en="4 elements moved forward, 4 backward", zh="前向搬运 4 个元素，反向 4 个")
    def test_traffic(self, attempt, rng):
        """A row of statistics or of partial sums is smaller than x and not counted; one per row of x is not."""
        sizes = {"n": 12, "d": 40, "programs": 2}
        forward, inputs = self.work(attempt, rng, **sizes)
        both, _ = self.work_with_backward(attempt, rng, **sizes)
        x = inputs["x"]
        ahead, moved = (work.traffic(at_least=x.nbytes) / x.numel() for work in (forward, both))
        if ahead > 4:
            fail(
                en=f"Forward, your kernels move {ahead:.3g} elements for each element of x; 4 are enough: read x and residual "
                "once, keep the row in registers, write both outputs.",
                zh=f"前向中，平均 x 的每个元素，你的 kernel 搬运了 {ahead:.3g} 个元素；4 个就够了：x 与 residual 各读一次，"
                "整行留在寄存器里，写出两个输出。",
            )
        if moved - ahead > 4:
            fail(
                en=f"Backward, your kernels move {moved - ahead:.3g} elements for each element of x; 4 are enough: read both "
                "gradients and the sum once, write one gradient for x and residual alike. Partial sums of the weight's "
                "gradient go into at most `programs` rows: a program adds those of its rows up in registers.",
                zh=f"反向中，平均 x 的每个元素，你的 kernel 搬运了 {moved - ahead:.3g} 个元素；4 个就够了：两个梯度与和各读一次，"
                "x 与 residual 共用一个梯度，只写一次。weight 梯度的部分和最多占 `programs` 行：每个 program 先在寄存器里"
                "把自己各行的加起来。",
            )

    @check("cost")
    @title(en="the sum, the weight and a float a row are kept", zh="只保留和、weight 与每行一个 float")
    def test_saved(self, attempt, rng):
        n, d = 8, 128
        for dtype in (torch.float32, torch.bfloat16):
            x, residual, weight = (rng.normal(shape).to(dtype) for shape in ((n, d), (n, d), (d,)))
            kept = attempt.local(SAVED)(attempt[self.entry], x, residual, weight)
            if kept >= x.nbytes // 2:
                fail(
                    en=f"Beside the new residual and the weight, {kept} bytes are kept for backward; x has {x.nbytes}. One float "
                    "for each row is enough: x, residual and out are not needed, h / rms(h) comes from the new residual.",
                    zh=f"除新的 residual 与 weight 之外，还为反向保留了 {kept} 字节；x 共 {x.nbytes} 字节。每行一个 float 就够了："
                    "不需要 x、residual 与 out，h / rms(h) 可由新的 residual 得到。",
                )
