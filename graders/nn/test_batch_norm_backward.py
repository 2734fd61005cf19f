"""Grader of batch normalization's backward pass by hand."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, title

EPS = 1e-5
ROUNDING = 64  # roundoffs: 17 were measured, of a chain rule through variance and mean one after the other


class BatchNormSuite(FunctionSuite):
    """Parameters and statistics stay float32 in half precision."""

    def drawn(self, rng, *, shape, scale=1.0, offset=0.0, **_):
        means = rng.normal((shape[1], *[1] * (len(shape) - 2))) / 2
        x = (rng.normal(shape) + means) * scale + offset
        return {"x": x, "weight": 1 + 0.5 * rng.normal((shape[1],))}

    def prepared(self, rng, probe):
        given = super().prepared(rng, probe)
        return {name: value.float() if name in ("weight", "bias") else value for name, value in given.items()}

    def valid(self, *, shape, **_):
        return min(shape) > 0 and len(shape) > 1


class TestBatchNorm(BatchNormSuite):
    entry = "batch_norm"
    outputs = ("out", "mean", "rstd")
    cases = [
        case(en="a small batch", zh="小 batch", shape=(5, 3), factor=ROUNDING),
        case(en="images", zh="图像", shape=(3, 4, 2, 5), factor=ROUNDING),
        case(en="all sizes alike, a large eps", zh="各维大小相同，很大的 eps", shape=(3, 3, 3), eps=0.5, factor=ROUNDING),
    ]  # fmt: skip
    edges = [
        case(en="one value a channel", zh="每个通道一个值", shape=(1, 4), factor=ROUNDING),
        case(en="mean 10000, standard deviation 1", zh="均值 10000，标准差 1", shape=(33, 3), offset=1e4, factor=ROUNDING),
        case(en="bfloat16", zh="bfloat16", shape=(17, 3), dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(17, 3), scale=300.0, dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, eps=None, **params):
        inputs = self.drawn(rng, shape=shape, **params) | {"bias": rng.normal((shape[1],))}
        return inputs if eps is None else inputs | {"eps": eps}


class TestBatchNormBackward(BatchNormSuite):
    entry = "batch_norm_backward"
    outputs = ("grad_x", "grad_weight", "grad_bias")
    forward, gradients_of_forward = "batch_norm", ("x", "weight", "bias")
    cases = [
        case(en="a small batch", zh="小 batch", shape=(5, 3), factor=ROUNDING),
        case(en="as many samples as channels", zh="样本数等于通道数", shape=(4, 4), factor=ROUNDING),
        case(en="images", zh="图像", shape=(3, 4, 2, 5), factor=ROUNDING),
        case(en="sequences", zh="序列", shape=(4, 3, 5), factor=ROUNDING),
        case(en="evaluation", zh="推理", shape=(5, 3), training=False, factor=ROUNDING),
        case(en="evaluation of images", zh="推理图像", shape=(2, 3, 4, 5), training=False, factor=ROUNDING),
        case(en="a large eps", zh="很大的 eps", shape=(7, 3), eps=0.5, factor=ROUNDING),
        case(en="gradients with a mean of their own", zh="grad_out 的均值不为 0", shape=(6, 2, 3), push=2.0, factor=ROUNDING),
        case(en="all sizes alike", zh="各维大小相同", shape=(3, 3, 3, 3), factor=ROUNDING),
    ]  # fmt: skip
    edges = [
        case(en="one value a channel", zh="每个通道一个值", shape=(1, 4), factor=ROUNDING),
        case(en="one sample, several positions", zh="一个样本，多个位置", shape=(1, 3, 2, 4), factor=ROUNDING),
        case(en="mean 10000, standard deviation 1", zh="均值 10000，标准差 1", shape=(33, 3), offset=1e4, factor=ROUNDING),
        case(en="1029 values a channel", zh="每个通道 1029 个值", shape=(3, 2, 343), reduction=1029),
        case(en="bfloat16", zh="bfloat16", shape=(17, 3), dtype="bfloat16"),
        case(en="bfloat16 images in evaluation", zh="bfloat16 图像，推理", shape=(2, 3, 4, 2), training=False, dtype="bfloat16"),
        case(en="float16, gradients around 400", zh="float16，grad_out 在 400 左右", shape=(333, 3), push=400.0, gscale=20.0, dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, training=None, gscale=1.0, push=0.0, **params):
        inputs = {"grad_out": rng.normal(shape) * gscale + push} | self.drawn(rng, shape=shape, **params)
        return inputs if training is None else inputs | {"training": training}

    def prepared(self, rng, probe):
        """mean and rstd belong to x as it is in this dtype and layout; in evaluation they come from elsewhere."""
        given = super().prepared(rng, probe)
        if given.get("training", True):
            return given | statistics(given["x"], probe.case.params.get("eps", EPS))
        channels = given["weight"].shape
        return given | {"mean": rng.normal(channels), "rstd": rng.uniform(channels, 0.5, 2.0)}

    def differentiated(self, rng, probe):
        given = self.prepared(rng, probe)
        call = {"x": given["x"], "weight": given["weight"], "bias": torch.zeros_like(given["weight"])}
        return call | {"eps": probe.case.params.get("eps", EPS)}, {0: given["grad_out"]}

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        """No mean of a channel is a number of the dtype."""
        answers = []
        for dtype, steps in ((torch.bfloat16, 128), (torch.float16, 1024)):
            x, grad_out = (torch.full((64, 2), float(steps), dtype=dtype) for _ in range(2))
            x[rng.permutation(64)[:24]] += steps // 128
            grad_out[rng.permutation(64)[:24]] += steps // 128
            given = {"grad_out": grad_out, "x": x, "weight": torch.full((2,), 1.25)} | statistics(x, EPS)
            kind = str(dtype).removeprefix("torch.")
            answers.append((attempt.batch_norm_backward(**given)[0], reference.batch_norm_backward(**given)[0], kind))
        for yours, right, kind in answers:
            assert_close(
                yours,
                right,
                en=f"grad_x: convert {kind} to float32 before anything is computed, the sums and the difference from the "
                "mean included; back at the end",
                zh=f"grad_x：{kind} 应先转 float32 再做任何计算，包括求和与减均值；最后才转回",
            )

    @check("cost")
    @title(en="no Jacobian", zh="不构造雅可比矩阵")
    def test_no_jacobian(self, attempt, rng):
        costs = [attempt.profile("batch_norm_backward", **self.sized(rng, (n, 3))) for n in (32, 64)]
        assert_growth(
            *costs,
            "largest_bytes",
            at_most=2.3,
            en="From 32 to 64 samples: an n × n matrix is made. The Jacobian of a channel is the identity minus a matrix "
            "of rank two, whose product with a vector takes two means.",
            zh="样本数从 32 增到 64：构造了 n × n 的矩阵。一个通道的雅可比是单位阵减去一个秩为 2 的矩阵，它与向量相乘只需两个均值。",
        )

    @check("cost")
    @title(en="no Python loop over channels, samples or positions", zh="不在 Python 里逐通道、逐样本或逐位置循环")
    def test_no_loop(self, attempt, rng):
        costs = [attempt.profile("batch_norm_backward", **self.sized(rng, (n, n, n))) for n in (2, 32)]
        assert_growth(
            *costs,
            "operations",
            at_most=2,
            en="From (2, 2, 2) to (32, 32, 32) your torch calls grow in number: you loop over channels, samples or "
            "positions in Python.",
            zh="从 (2, 2, 2) 到 (32, 32, 32)，你调用 torch 的次数变多了：你在 Python 里逐通道、逐样本或逐位置循环。",
        )

    def sized(self, rng, shape):
        given = self.inputs(rng, shape=shape)
        return given | statistics(given["x"], EPS)


def statistics(x, eps):
    """What `batch_norm` returns beside its output."""
    rows = x.double().transpose(0, 1).flatten(1)
    rstd = torch.rsqrt(rows.var(-1, correction=0) + eps)
    return {"mean": rows.mean(-1).float(), "rstd": rstd.float()}
