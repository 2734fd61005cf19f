"""Grader of layer normalization with its backward pass by hand."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, title

EPS = 1e-5
ROUNDING = 32  # roundoffs: 15 were measured, of a gradient that is put over D in one fraction


class TestLayerNorm(FunctionSuite):
    entry = "layer_norm"
    outputs = ("out", "mean", "rstd")
    cases = [
        case(en="three rows", zh="三行", n=3, d=5, factor=ROUNDING),
        case(en="as many rows as features", zh="行数等于特征数", n=4, d=4, factor=ROUNDING),
        case(en="a large eps", zh="很大的 eps", n=2, d=7, eps=0.5, factor=ROUNDING),
        case(en="a spread as small as √eps", zh="标准差与 √eps 相当", n=4, d=7, scale=3e-3, factor=ROUNDING),
    ]
    edges = [
        case(en="mean 10000, standard deviation 1", zh="均值 10000，标准差 1", n=3, d=33, offset=1e4, factor=ROUNDING),
        case(en="bfloat16", zh="bfloat16", n=3, d=33, dtype="bfloat16"),
        case(en="float16", zh="float16", n=3, d=33, scale=300.0, dtype="float16"),
    ]

    def inputs(self, rng, *, n, d, scale=1.0, offset=0.0, eps=None):
        x = rng.normal((n, d)) * scale + offset
        inputs = {"x": x, "weight": 1 + 0.5 * rng.normal((d,)), "bias": rng.normal((d,))}
        return inputs if eps is None else inputs | {"eps": eps}

    def valid(self, *, n, d, **_):
        return min(n, d) > 0


class TestLayerNormBackward(FunctionSuite):
    entry = "layer_norm_backward"
    outputs = ("grad_x", "grad_weight", "grad_bias")
    forward, gradients_of_forward = "layer_norm", ("x", "weight", "bias")
    cases = [
        case(en="one row", zh="一行", n=1, d=4, factor=ROUNDING),
        case(en="three rows", zh="三行", n=3, d=5, factor=ROUNDING),
        case(en="as many rows as features", zh="行数等于特征数", n=4, d=4, factor=ROUNDING),
        case(en="a large eps", zh="很大的 eps", n=3, d=6, eps=0.5, factor=ROUNDING),
        case(en="a spread as small as √eps", zh="标准差与 √eps 相当", n=4, d=7, scale=3e-3, factor=ROUNDING),
        case(en="gradients with a mean of their own", zh="grad_out 的均值不为 0", n=3, d=8, push=2.0, factor=ROUNDING),
    ]
    edges = [
        case(en="one feature", zh="只有一个特征", n=3, d=1, factor=ROUNDING),
        case(en="two features", zh="两个特征", n=3, d=2, eps=0.1, factor=ROUNDING),
        case(en="mean 10000, standard deviation 1", zh="均值 10000，标准差 1", n=3, d=33, offset=1e4, factor=ROUNDING),
        case(en="1025 rows", zh="1025 行", n=1025, d=3, eps=0.1, factor=512),
        case(en="1025 features", zh="1025 个特征", n=2, d=1025, factor=128),
        case(en="bfloat16", zh="bfloat16", n=3, d=33, dtype="bfloat16"),
        case(en="float16, gradients around 400", zh="float16，grad_out 在 400 左右", n=3, d=333, push=400.0, gscale=20.0, dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, n, d, scale=1.0, offset=0.0, gscale=1.0, push=0.0, **_):
        grad_out = rng.normal((n, d)) * gscale + push
        return {"grad_out": grad_out, "x": rng.normal((n, d)) * scale + offset, "weight": 1 + 0.5 * rng.normal((d,))}

    def prepared(self, rng, probe):
        """mean and rstd belong to the rows as they are in this dtype and layout, and are float32."""
        given = super().prepared(rng, probe)
        return given | statistics(given["x"], probe.case.params.get("eps", EPS))

    def differentiated(self, rng, probe):
        given = self.prepared(rng, probe)
        call = {"x": given["x"], "weight": given["weight"], "bias": torch.zeros_like(given["weight"])}
        return call | {"eps": probe.case.params.get("eps", EPS)}, {0: given["grad_out"]}

    def valid(self, *, n, d, **_):
        return min(n, d) > 0

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        """No mean of a row, and no product with the weight, is a number of the dtype."""
        answers = []
        for dtype, steps in ((torch.bfloat16, 128), (torch.float16, 1024)):
            x, grad_out = (torch.full((2, 64), float(steps), dtype=dtype) for _ in range(2))
            x[:, rng.permutation(64)[:24]] += steps // 128
            grad_out[:, rng.permutation(64)[:24]] += steps // 128
            given = {"grad_out": grad_out, "x": x, "weight": torch.full((64,), 1.25, dtype=dtype)}
            given |= statistics(x, EPS)
            kind = str(dtype).removeprefix("torch.")
            answers.append((attempt.layer_norm_backward(**given), reference.layer_norm_backward(**given), kind))
        for yours, right, kind in answers:
            assert_close(
                yours,
                right,
                en=f"convert {kind} to float32 before anything is computed, the product with the weight and the "
                "difference from the mean included; back at the end",
                zh=f"{kind} 应先转 float32 再做任何计算，包括乘 weight 与减均值；最后才转回",
            )

    @check("cost")
    @title(en="no Jacobian", zh="不构造雅可比矩阵")
    def test_no_jacobian(self, attempt, rng):
        costs = [attempt.profile("layer_norm_backward", **self.sized(rng, 3, d)) for d in (32, 64)]
        assert_growth(
            *costs,
            "largest_bytes",
            at_most=2.3,
            en="From 32 to 64 features: a d × d matrix is made. The Jacobian is the identity minus a matrix of rank "
            "two, whose product with a vector takes two means.",
            zh="特征数从 32 增到 64：构造了 d × d 的矩阵。雅可比是单位阵减去一个秩为 2 的矩阵，它与向量相乘只需两个均值。",
        )

    @check("cost")
    @title(en="no Python loop over rows or features", zh="不在 Python 里逐行或逐特征循环")
    def test_no_loop(self, attempt, rng):
        costs = [attempt.profile("layer_norm_backward", **self.sized(rng, n, n)) for n in (4, 32)]
        assert_growth(
            *costs,
            "operations",
            at_most=2,
            en="From (4, 4) to (32, 32) your torch calls grow in number: you loop over rows or features in Python.",
            zh="从 (4, 4) 到 (32, 32)，你调用 torch 的次数变多了：你在 Python 里逐行或逐特征循环。",
        )

    def sized(self, rng, n, d):
        given = self.inputs(rng, n=n, d=d)
        return given | statistics(given["x"], EPS)


def statistics(x, eps):
    """What `layer_norm` returns beside its output."""
    wide = x.double()
    rstd = torch.rsqrt(wide.var(-1, correction=0) + eps)
    return {"mean": wide.mean(-1).float(), "rstd": rstd.float()}
