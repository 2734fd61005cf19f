"""Grader of the W4A16 product; the truth unpacks the weight and multiplies in fp64."""

import itertools
from typing import ClassVar

import torch
from torch import Tensor

from thinkllm_drill.grading import KernelSuite, assert_rounded_once, case, check, fail, speed, title
from thinkllm_drill.grading.kernels import explained

LLAMA = {"groups": 128, "group": 128, "n": 53248}  # the up projection of Llama 3.1 405B


class TestInt4Matmul(KernelSuite):
    entry = "int4_matmul"
    cases = [
        case(en="three rows, two groups", zh="三行，两组", m=3, groups=2, group=16, n=20),
        case(en="one row", zh="一行", m=1, groups=3, group=32, n=20),
        case(en="groups of one word", zh="每组一个字", m=2, groups=5, group=8, n=17),
        case(en="22 groups of 24", zh="22 组，每组 24 个", m=5, groups=22, group=24, n=33, reduction=528),
        case(en="one row, 640 inputs", zh="一行，640 个输入", m=1, groups=5, group=128, n=65, reduction=640),
        case(en="one group of 264 inputs", zh="一组 264 个输入", m=2, groups=1, group=264, n=19, reduction=264),
        case(en="20 rows, 65 outputs", zh="20 行，65 个输出", m=20, groups=2, group=72, n=65, reduction=144),
        case(en="82 rows", zh="82 行", m=82, groups=2, group=8, n=18),
    ]
    edges = [
        case(en="one word", zh="一个字", m=1, groups=1, group=8, n=1),
        case(en="nothing but fifteens", zh="全为 15", m=2, groups=2, group=8, n=5, fill=15),
        case(en="nothing but zeros", zh="全为 0", m=2, groups=2, group=8, n=5, fill=0),
        case(en="one row, nothing but fifteens", zh="一行，全为 15", m=1, groups=2, group=8, n=5, fill=15),
        case(en="scales of both signs", zh="scale 有正有负", m=2, groups=3, group=8, n=9, signs=True),
        case(en="one row, scales of both signs", zh="一行，scale 有正有负", m=1, groups=3, group=8, n=9, signs=True),
        case(en="bfloat16", zh="bfloat16", m=3, groups=3, group=32, n=20, dtype="bfloat16", reduction=96),
        case(en="bfloat16, one row", zh="bfloat16，一行", m=1, groups=3, group=32, n=20, dtype="bfloat16", reduction=96),
        case(en="bfloat16 beyond the range of float16", zh="超出 float16 范围的 bfloat16", m=3, groups=3, group=32, n=20, size=1e6, dtype="bfloat16", reduction=96),
        case(en="scales and zeros with strides of their own", zh="scales 与 zeros 的 stride 各不相同", m=2, groups=5, group=8, n=9, apart=True),
        case(en="float16", zh="float16", m=3, groups=3, group=32, n=20, dtype="float16", reduction=96),
        case(en="float16, partial sums beyond its range", zh="float16，部分和超出其范围", m=2, groups=2, group=128, n=5, cancel=True, dtype="float16"),
        case(en="float16, one row, partial sums beyond its range", zh="float16，一行，部分和超出其范围", m=1, groups=2, group=128, n=5, cancel=True, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(en="one row", zh="一行", m=1, **LLAMA, bytes=436_000_000 + 27_300_000, peer="half_matmul", at_least=2.0, star=3.0),
        speed(en="16 rows", zh="16 行", m=16, **LLAMA, bytes=436_000_000 + 27_300_000, peer="half_matmul", at_least=1.5, star=2.5),
    )  # fmt: skip
    dense: ClassVar[dict[object, Tensor]] = {}

    def inputs(self, rng, *, m, groups, group, n, fill=None, cancel=False, size=1.0, apart=False, signs=False):
        k = groups * group
        x, scales = size * rng.normal((m, k)), rng.uniform((groups, n), 0.5, 1.5) / k**0.5
        zeros = rng.uniform((groups, n), 2.0, 14.0)
        packed = rng.integers(-(2**31), 2**31, (k // 8, n)).to(torch.int32)
        if fill is not None:
            packed[:] = -1 if fill == 15 else 0
        if cancel:  # each half sums to more than 65504
            x = torch.full((m, k), 64.0)
            x[:, k // 2 :] = -63.0
            packed[:], scales[:], zeros[:] = -1, 1.0, 0.0
        if signs:
            scales[:, ::2] *= -1
        if apart:
            zeros = zeros.T.contiguous().T
        return {"x": x, "packed": packed, "scales": scales, "zeros": zeros}

    def expected(self, *, x, packed, scales, zeros):
        wide = torch.promote_types(x.dtype, torch.float32)
        group = x.shape[1] // scales.shape[0]
        shifts = torch.arange(0, 32, 4, device=x.device)[None, :, None]
        nibbles = ((packed[:, None, :] >> shifts) & 15).reshape(x.shape[1], -1)  # (k, n)
        scales, zeros = (each.to(wide).repeat_interleave(group, dim=0) for each in (scales, zeros))
        return (x.to(wide) @ ((nibbles.to(wide) - zeros) * scales)).to(x.dtype)

    def half_matmul(self, *, x, packed, scales, zeros):
        """What the timed shapes are compared with: a product with an unpacked weight of the same shape."""
        key = x.shape[1], packed.shape[1], x.dtype, x.device
        if key not in self.dense:
            self.dense[key] = torch.randn(key[0], key[1], dtype=x.dtype, device=x.device)
        return x @ self.dense[key]

    def valid(self, *, group, **_):
        return group % 8 == 0

    @title(en="half precision: a weight is rounded once", zh="半精度：权重只舍入一次")
    def test_weights(self, attempt, rng):
        """Each row of x picks one input, so that an output is a weight; q − zero takes more digits than the dtype has."""
        for dtype, m in itertools.product((torch.bfloat16, torch.float16), (1, 16)):
            given = self.inputs(rng, m=m, groups=4, group=16, n=48)
            zeros = rng.integers(1, 16, (4, 48)) / 512
            given |= {"x": torch.eye(64)[rng.permutation(64)[:m]], "scales": 64 * given["scales"], "zeros": zeros}
            given |= {name: given[name].to(dtype) for name in ("x", "scales", "zeros")}
            with explained():
                found = attempt.int4_matmul(**given)
            assert_rounded_once(
                found,
                self.expected(**given | {name: given[name].double() for name in ("x", "scales", "zeros")}),
                dtype,
                beside=2e-6 * 16 * float(given["scales"].max()),
                en="Subtract the zero and multiply by the scale in float32, and round only the product: where x picks one "
                "weight, the output is off by more than one rounding of it.",
                zh="应在 float32 里减去 zero 并乘以 scale，只舍入乘积：x 只取一个权重时，输出的误差超出了一次舍入。",
            )

    @title(en="sums are kept in float32", zh="用 float32 累加")
    def test_accumulator(self, attempt, rng):
        k, n = 1024, 3
        for m in (1, 2):
            x = torch.full((m, k), 2.0**-8)  # beside 256, bfloat16 loses what a tile adds
            x[:, rng.randint(0, 8)] = 256.0
            ones = torch.full((k // 8, n), 0x11111111, dtype=torch.int32)
            inputs = {"x": x.bfloat16(), "packed": ones, "scales": torch.ones(1, n).bfloat16()}
            with explained():
                out = attempt.int4_matmul(**inputs, zeros=torch.zeros(1, n).bfloat16())
            right = float(inputs["x"][0].double().sum())
            if not float((out.double() - right).abs().max()) <= 2.0**-8 * right:
                fail(
                    en=f"256 and 1023 numbers of 1/256 in bfloat16, {m} rows, weights of 1: your sum is {float(out[0, 0]):g}, it is "
                    f"{right:g}. Keep the accumulator in float32 and convert when storing.",
                    zh=f"bfloat16 的 256 与 1023 个 1/256，{m} 行，权重全为 1：你的和是 {float(out[0, 0]):g}，应为 {right:g}。"
                    "累加器应保持 float32，store 时再转换。",
                )

    @title(en="half precision: parts of the sum are not rounded", zh="半精度：部分和不舍入")
    def test_parts(self, attempt, rng):
        """Whole numbers, weights of 1: the second half takes away what the first adds, but for 1."""
        ones = torch.full((64, 5), 0x11111111, dtype=torch.int32)
        for dtype, m in itertools.product((torch.bfloat16, torch.float16), (1, 3)):
            first = rng.integers(129, 256, (m, 256)).float()
            x = torch.cat((first, -first[:, rng.permutation(256)]), 1)
            x[:, 0] -= 1.0
            given = {"x": x.to(dtype), "packed": ones, "scales": torch.ones(1, 5, dtype=dtype)}
            with explained():
                out = attempt.int4_matmul(**given, zeros=torch.zeros(1, 5, dtype=dtype))
            if not float((out.double() + 1).abs().max()) <= 0.0:
                fail(
                    en=f"512 whole numbers that add up to −1 add up to {float(out[0, 0]):g} in yours, {m} rows in {dtype}: parts of "
                    "the sum are rounded on the way. Keep what a tile adds in float32, too.",
                    zh=f"512 个整数之和为 −1，{m} 行、{dtype} 时你的结果是 {float(out[0, 0]):g}：部分和在途中被舍入了。"
                    "每一块的贡献也应保持 float32。",
                )

    @check("cost")
    @title(en="each word is read once, no weight is written", zh="每个字只读一遍，不写出权重")
    def test_traffic(self, attempt, rng):
        for m in (1, 5):
            work, inputs = self.work(attempt, rng, m=m, groups=3, group=64, n=72)
            words, weights = inputs["packed"], 192 * 72
            if any(size >= weights and size != words.nbytes for size in work.moved):
                fail(
                    en="Your kernels go through a tensor that holds every weight by itself: unpacking to memory moves more bytes than "
                    "a bfloat16 product. Unpack in registers.",
                    zh="你的 kernel 用到了一个存放全部单个权重的张量：解包到内存比直接做 bfloat16 乘法搬运的字节还多。应在寄存器里解包。",
                )
            moved = work.moved.get(words.nbytes, 0)
            if moved > words.numel():
                fail(
                    en=f"packed has {words.numel()} words, your kernels load {moved}, with {m} rows of x. Load a word once and take all "
                    "eight weights out of it.",
                    zh=f"packed 有 {words.numel()} 个字，x 为 {m} 行时你的 kernel 读了 {moved} 个。每个字应只读一遍，取出全部八个权重。",
                )
