"""Grader of the Triton layer normalization, forward and backward; the truth is plain torch in fp64."""

import torch

from thinkllm_drill.grading import (
    KernelSuite,
    assert_close,
    assert_no_tensor,
    assert_rounded_once,
    battery,
    case,
    check,
    fail,
    speed,
    title,
)
from thinkllm_drill.grading.kernels import explained

EPS = 1e-5


class TestLayerNorm(KernelSuite):
    entry = "layer_norm"
    outputs = ("out", "mean", "rstd")
    cases = [
        case(en="a row that is a power of two", zh="一行的长度是 2 的幂", n=2, d=16),
        case(en="a row that is none", zh="一行的长度不是 2 的幂", n=3, d=21),
        case(en="a mean of its own in each row", zh="各行均值不同", n=3, d=37, offset=0.5),
        case(en="a large eps", zh="很大的 eps", n=2, d=7, eps=0.5),
        case(en="a spread as small as √eps", zh="标准差与 √eps 相当", n=2, d=19, scale=3e-3, factor=32),
    ]
    edges = [
        case(en="one feature", zh="只有一个特征", n=3, d=1),
        case(en="one feature more than a power of two", zh="比 2 的幂多一个特征", n=2, d=33),
        case(en="mean 10000, standard deviation 1", zh="均值 10000，标准差 1", n=2, d=33, offset=1e4, factor=64),
        case(en="a long row", zh="长行", n=1, d=4099, reduction=4099),
        case(en="a transposed input", zh="转置得到的输入", n=3, d=21, transposed=True),
        case(en="bfloat16", zh="bfloat16", n=2, d=37, dtype="bfloat16"),
        case(
            en="float16 whose squares overflow",
            zh="平方会溢出的 float16",
            n=2,
            d=37,
            scale=300.0,
            factor=24,
            dtype="float16",
        ),
    ]
    speeds = (
        speed(en="32768 rows of 4096", zh="32768 行，每行 4096", bytes=2 * 32768 * 4096 * 2, n=32768, d=4096),
        speed(en="65536 rows of 1600", zh="65536 行，每行 1600", bytes=2 * 65536 * 1600 * 2, n=65536, d=1600),
    )

    def inputs(self, rng, *, n, d, scale=1.0, offset=0.75, eps=None, transposed=False):
        """Rows with means of their own, none so near 0 that the rounding of its sum would be all there is of it."""
        x = (rng.normal((n, d)) + offset * (1 + torch.arange(n) % 3)[:, None]) * scale
        given = {"x": x.T.contiguous().T if transposed else x}
        given |= {"weight": 1 + 0.5 * rng.normal((d,)), "bias": rng.normal((d,))}
        return given if eps is None else given | {"eps": eps}

    def expected(self, *, x, weight, bias, eps=EPS):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        var, mean = torch.var_mean(wide, -1, correction=0)
        rstd = torch.rsqrt(var + eps)
        out = (wide - mean[:, None]) * rstd[:, None] * weight + bias
        return out.to(x.dtype), mean, rstd

    def valid(self, *, n, d, **_):
        return min(n, d) > 0

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, rng):
        for dtype, far in ((torch.bfloat16, 128.0), (torch.float16, 1024.0)):
            given = {
                "x": far + far / 128 * rng.integers(0, 5, (3, 37)),  # their mean is no number of the dtype
                "weight": 1 + rng.integers(0, 9, (37,)) / 16,
                "bias": rng.integers(-8, 9, (37,)) / 8,
            }
            with explained():
                out, mean, rstd = attempt.layer_norm(**{name: value.to(dtype) for name, value in given.items()})
            right = self.expected(**{name: value.double() for name, value in given.items()})
            en, zh = (
                "Convert half precision to float32 right after loading, before the mean is subtracted, and round only "
                "what is stored in out.",
                "半精度应在 load 之后、减均值之前就转为 float32，只在写出 out 时舍入。",
            )
            # Welford's rows of 37 near 130, spread 1.4, were up to 6e-6 off; half precision is off by thousands of that
            for found, true in zip((mean, rstd), right[1:], strict=True):
                if not bool(((found.double() - true).abs() <= 3e-5 * true.abs()).all()):
                    fail(en=en, zh=zh)
            assert_rounded_once(out, right[0], dtype, beside=1e-4, en=en, zh=zh)

    @check("cost")
    @title(en="one read and one write per element", zh="每个元素读写各一次")
    def test_traffic(self, attempt, rng):
        demand_traffic(self, attempt, rng, 2, "one read and one write are enough", "读写各一次就够了", n=4, d=40)

    @check("cost")
    @title(en="no tensor larger than x", zh="不创建比 x 大的张量")
    def test_memory(self, attempt, rng):
        demand_memory(
            self,
            attempt,
            rng,
            "Half precision is converted in the kernel: a float32 copy of x takes three times as long to make as x to read.",
            "半精度应在 kernel 里转换：为 x 做一份 float32 副本，搬运的字节是读 x 的三倍。",
            n=10,
            d=16,
        )


class TestLayerNormBackward(KernelSuite):
    entry = "layer_norm_backward"
    outputs = ("grad_x", "grad_weight", "grad_bias")
    cases = [
        case(en="one row", zh="一行", n=1, d=16, programs=2, factor=32),
        case(en="more rows than programs", zh="行数多于 program", n=5, d=21, programs=4, factor=32),
        case(en="a large eps", zh="很大的 eps", n=3, d=7, programs=2, eps=0.5, factor=32),
        case(en="the default programs", zh="默认的 programs", n=3, d=9, factor=32),
        case(en="gradients with a mean of their own", zh="grad_out 的均值不为 0", n=3, d=19, programs=3, push=2.0, factor=32),
    ]  # fmt: skip
    edges = [
        case(en="one feature", zh="只有一个特征", n=2, d=1, programs=2, factor=32),
        case(en="one program", zh="只有一个 program", n=3, d=5, programs=1, factor=32),
        case(en="mean 10000, standard deviation 1", zh="均值 10000，标准差 1", n=2, d=33, programs=2, offset=1e4, factor=32),
        case(en="a long row", zh="长行", n=2, d=1030, programs=1, factor=64),
        case(en="transposed inputs", zh="转置得到的输入", n=3, d=21, programs=2, transposed=True, factor=32),
        case(en="many programs", zh="许多 program", n=65, d=3, programs=65, eps=0.1, factor=64),
        case(en="bfloat16", zh="bfloat16", n=3, d=37, programs=2, dtype="bfloat16"),
        case(en="float16, gradients around 400", zh="float16，grad_out 在 400 左右", n=3, d=37, programs=2, push=400.0, gscale=20.0, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(en="32768 rows of 4096", zh="32768 行，每行 4096", bytes=3 * 32768 * 4096 * 2, n=32768, d=4096),
        speed(en="65536 rows of 1600", zh="65536 行，每行 1600", bytes=3 * 65536 * 1600 * 2, n=65536, d=1600),
    )

    def inputs(
        self, rng, *, n, d, programs=None, scale=1.0, offset=0.0, gscale=1.0, push=0.0, eps=None, transposed=False
    ):
        given = {"grad_out": rng.normal((n, d)) * gscale + push, "x": rng.normal((n, d)) * scale + offset}
        if transposed:
            given = {name: value.T.contiguous().T for name, value in given.items()}
        given["weight"] = 1 + 0.5 * rng.normal((d,))
        return given if programs is None else given | {"programs": programs}

    def prepared(self, rng, probe):
        """mean and rstd belong to the rows as they are in this dtype and layout, and are float32."""
        given = super().prepared(rng, probe)
        return given | statistics(given["x"], probe.case.params.get("eps", EPS))

    def expected(self, *, grad_out, x, weight, mean, rstd, programs=528):
        x_hat = (x - mean[:, None]) * rstd[:, None]
        grad = grad_out.to(x_hat.dtype)
        g = grad * weight
        grad_x = rstd[:, None] * (g - g.mean(-1, keepdim=True) - x_hat * (g * x_hat).mean(-1, keepdim=True))
        return grad_x.to(x.dtype), (grad * x_hat).sum(0).to(x.dtype), grad.sum(0).to(x.dtype)

    def valid(self, *, n, d, programs=528, **_):
        return min(n, d, programs) > 0

    @title(en="sums over rows are kept in float32", zh="跨行累加保持 float32")
    def test_sums(self, attempt, rng):
        """Large terms that cancel: a sum that is rounded to the dtype on the way loses the ones beside them."""
        column, signs = torch.tensor([6144.0, -6144.0, 0.0, *[1.0] * 9]), torch.tensor([1.0, -1.0] * 4)
        for dtype, programs in ((torch.bfloat16, 1), (torch.float16, 5)):
            grad_out = torch.stack([column[rng.permutation(12)] for _ in signs], 1)
            given = {"grad_out": grad_out, "x": signs.expand(12, -1), "weight": torch.ones(8)}
            given = {name: value.to(dtype) for name, value in given.items()}
            with explained():
                _, *answer = attempt.layer_norm_backward(**given, **statistics(given["x"], 0.0), programs=programs)
            assert_close(
                tuple(answer),
                (9.0 * signs.double(), torch.full((8,), 9.0, dtype=torch.float64)),
                en="keep the sums over rows, and the partial sums, in float32; only what is returned is rounded",
                zh="跨行的累加与部分和都要保持 float32，只有返回的结果才舍入",
            )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, rng):
        """Gradients near 1, of which little is left once the means are subtracted."""
        n, d = 4, 32
        for dtype in (torch.bfloat16, torch.float16):
            x, step = rng.integers(-16, 17, (n, d)) / 8, torch.finfo(dtype).eps
            given = {
                "grad_out": 1 + step * rng.integers(0, 17, (n, d)),
                "x": x,
                "weight": 1 + rng.integers(0, 9, (d,)) / 16,
            }
            given = {name: value.to(dtype) for name, value in given.items()} | statistics(x, EPS)
            with explained():
                answer = attempt.layer_norm_backward(**given, programs=2)
            right = self.expected(**{name: value.double() for name, value in given.items()})
            for name, yours, true in zip(self.outputs, answer, right, strict=True):
                assert_rounded_once(
                    yours,
                    true,
                    dtype,
                    beside=2e-6 * float(true.abs().max()),
                    en=f"{name}: convert to float32 right after loading, keep all products and sums in float32, and round "
                    "once, when the result is stored.",
                    zh=f"{name}：load 之后立即转 float32，所有乘积与累加都保持 float32，只在写出结果时舍入一次。",
                )

    @check("cost")
    @title(en="two reads and one write per element", zh="每个元素读两次、写一次")
    def test_traffic(self, attempt, rng):
        demand_traffic(
            self,
            attempt,
            rng,
            3,
            "two reads and one write are enough, with at most `programs` rows of partial sums beside them",
            "读两次、写一次就够了，此外只有至多 `programs` 行部分和",
            n=4,
            d=40,
            programs=1,
        )

    @check("cost")
    @title(en="no atomic operations", zh="不用原子操作")
    def test_atomics(self, attempt, rng):
        work, _ = self.work(attempt, rng, n=4, d=9, programs=2)
        if work.atomics:
            fail(
                en="Atomic operations add in an order that differs from run to run, and in half precision they round each "
                "time. Let each program write its sums into a row of its own, and add up these rows in a second kernel.",
                zh="原子操作的累加次序每次运行都不同，在半精度下每加一次还要舍入一次。应让每个 program 把部分和写进自己的一行，"
                "再由第二个 kernel 把这些行相加。",
            )

    @check("cost")
    @title(en="no tensor larger than x, 2 · programs partial sums", zh="不创建比 x 大的张量，部分和共 2 · programs 份")
    def test_memory(self, attempt, rng):
        demand_memory(
            self,
            attempt,
            rng,
            "Half precision is converted in the kernel, and with programs = 2 the partial sums need 2 rows of float32 for each "
            "of weight and bias, not one for each row of x.",
            "半精度应在 kernel 里转换；programs = 2 时，weight 与 bias 的部分和各只需 2 行 float32，而不是 x 的每行一行。",
            n=10,
            d=16,
            programs=2,
        )


def statistics(x, eps):
    """What `layer_norm` returns beside its output."""
    wide = x.double()
    rstd = torch.rsqrt(wide.var(-1, correction=0) + eps)
    return {"mean": wide.mean(-1).float(), "rstd": rstd.float()}


def demand_traffic(suite, attempt, rng, most, en, zh, **params):
    """At most so many elements of tensors like x are moved for each of its elements."""
    work, inputs = suite.work(attempt, rng, **params)
    moved = work.traffic(at_least=inputs["x"].nbytes) / inputs["x"].numel()
    if moved > most:
        fail(
            en=f"Your kernels move {moved:.3g} elements for each element of x; {en}: a row fits into one program, "
            "which loads it once and keeps it.",
            zh=f"平均 x 的每个元素，你的 kernel 搬运了 {moved:.3g} 次；{zh}：一行放得进一个 program，读入一次后一直留着。",
        )


def demand_memory(suite, attempt, rng, en, zh, **params):
    """No tensor is larger than x, in half precision."""
    given = suite.prepared(rng, battery.Probe(case(en="", zh="", dtype="float16", **params)))
    with explained():
        cost = attempt.profile(suite.entry, **given)
    assert_no_tensor(
        cost,
        given["x"].nbytes + 1,
        en=f"For 10 rows of float16 a tensor is made that is larger than x. {en}",
        zh=f"x 为 10 行 float16 时，创建了比 x 还大的张量。{zh}",
    )
