"""Grader of ELU and its hand-written backward.

The scale of an error is the largest entry of its row: cases of shape (n, 1) measure each entry by itself.
"""

import torch

from thinkllm_drill.grading import RoundedEntrywiseSuite, assert_close, case, check, title


class TestELU(RoundedEntrywiseSuite):
    entry = "elu"
    half = {"alpha": 0.7}
    gradients = ("x",)
    cases = [
        case(en="a few numbers", zh="几个数", shape=(5,)),
        case(en="alpha 2", zh="alpha 为 2", shape=(3, 4), alpha=2.0),
        case(en="alpha 0.3, three dims", zh="alpha 为 0.3，三维", shape=(2, 3, 5), alpha=0.3),
        case(en="larger numbers", zh="较大的数", shape=(4, 7), alpha=1.5, scale=6.0),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=(), factor=8),
        case(en="no entries", zh="没有元素", shape=(0, 3)),
        case(
            en="each by itself, 10⁻³⁰ to 0.1",
            zh="逐项衡量，10⁻³⁰ 到 0.1",
            shape=(12, 1),
            alpha=0.7,
            kind="tiny",
            factor=8,
        ),
        case(en="each by itself", zh="逐项衡量", shape=(9, 1), factor=8),
        case(en="±100 and beyond", zh="±100 及以外", shape=(8, 1), alpha=1.5, kind="extreme", factor=8),
        case(en="NaN and ±inf", zh="NaN 与 ±inf", shape=(6, 1), alpha=1.5, kind="special", factor=8),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), dtype="bfloat16"),
        case(en="float16, ±1000", zh="float16，±1000", shape=(8, 1), kind="extreme", dtype="float16"),
    ]

    def inputs(self, rng, *, shape, alpha=None, scale=1.0, kind="normal"):
        x = rng.normal(shape) * scale
        match kind:
            case "tiny":
                x = x.sign() * 10.0 ** rng.uniform(shape, low=-30.0, high=-1.0)
                x[:2] = torch.tensor([[-1e-9], [-1e-4]])[: len(x)]
            case "extreme":
                x = x.sign() * rng.integers(110, 1000, shape)
                x[:2] = torch.tensor([[1000.0], [-1000.0]])[: len(x)]
            case "special":
                x[:3] = torch.tensor([[torch.nan], [torch.inf], [-torch.inf]])[: len(x)]
        return {"x": x} if alpha is None else {"x": x, "alpha": alpha}

    @check("gradients")
    @title(en="gradients at 0, 200 and ±1000", zh="0、200 与 ±1000 处的梯度")
    def test_gradient_at_0_and_far_out(self, attempt, reference, rng):
        x = torch.cat((torch.tensor([0.0, -0.0, 200.0, 1000.0, -1000.0, 1e-30, -1e-30]), rng.normal((5,))))
        cotangent = {0: rng.uniform(x.shape, low=0.5, high=1.5)}
        inputs = {"x": x, "alpha": 1.75}
        _, found = attempt.vjp(attempt.elu, inputs, ("x",), cotangent)
        _, right = reference.vjp(reference.elu, inputs, ("x",), cotangent)
        assert_close(
            found["x"],
            right["x"],
            en="x = 0, −0, 200, ±1000, ±10⁻³⁰ and five more: autograd through your elu must give 1 at positive x, however "
            "large, and alpha · exp(x) elsewhere, also at 0",
            zh="x 为 0、−0、200、±1000、±10⁻³⁰ 及另外五个数：autograd 对你的 elu 求导，正数无论多大都应得 1，"
            "其余（包括 0）应得 alpha · exp(x)",
        )


class TestELUBackward(RoundedEntrywiseSuite):
    entry = "elu_backward"
    half = {"alpha": 0.7}
    forward, gradients_of_forward = "elu", ("x",)
    cases = [
        case(en="a few numbers", zh="几个数", shape=(5,)),
        case(en="alpha 2", zh="alpha 为 2", shape=(3, 4), alpha=2.0),
        case(en="alpha 0.3, three dims", zh="alpha 为 0.3，三维", shape=(2, 3, 5), alpha=0.3),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=()),
        case(en="no entries", zh="没有元素", shape=(0, 3)),
        case(en="each by itself", zh="逐项衡量", shape=(9, 1), alpha=0.75, factor=8),
        case(en="many zeros", zh="有许多 0", shape=(3, 8), alpha=1.75, kind="zeros"),
        case(en="y of −alpha, inf and 1000", zh="y 为 −alpha、inf 与 1000", shape=(9, 1), alpha=1.75, kind="ends"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), alpha=0.75, dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 9), alpha=0.75, dtype="float16"),
    ]

    def inputs(self, rng, *, shape, alpha=None, kind="normal"):
        bound = 1.0 if alpha is None else alpha
        y = rng.uniform(shape, low=-0.95 * bound, high=bound)
        match kind:
            case "zeros":
                y = rng.integers(-1, 2, shape) * 1.0
                y[..., :2] = torch.tensor([0.0, -0.0])
            case "ends":
                y[::3], y[1::3], y[2::3] = -bound, torch.inf, 1000.0
        inputs = {"grad_out": rng.normal(shape), "y": y}
        return inputs if alpha is None else inputs | {"alpha": alpha}

    def differentiated(self, rng, probe):
        given = self.prepared(rng, probe)
        y, alpha = given["y"], given.get("alpha", 1.0)
        return {"x": torch.where(y > 0, y, torch.log1p(y / alpha)), "alpha": alpha}, {0: given["grad_out"]}
