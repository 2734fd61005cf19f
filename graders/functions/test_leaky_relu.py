"""Grader of leaky ReLU and its hand-written backward."""

import torch

from thinkllm_drill.grading import EntrywiseSuite, assert_close, case, check, title


class TestLeakyReLU(EntrywiseSuite):
    entry = "leaky_relu"
    elementwise = True
    gradients = ("x",)
    cases = [
        case(en="a few numbers", zh="几个数", shape=(5,)),
        case(en="slope 0.5", zh="斜率 0.5", shape=(3, 4), slope=0.5),
        case(en="slope 2", zh="斜率 2", shape=(4, 7), slope=2.0),
        case(en="slope −0.75", zh="斜率 −0.75", shape=(2, 3, 5), slope=-0.75),
        case(en="slope 0", zh="斜率 0", shape=(3, 6), slope=0.0),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=()),
        case(en="no entries", zh="没有元素", shape=(0, 3)),
        case(en="each by itself, 10⁻³⁵ to 10³⁷", zh="逐项衡量，10⁻³⁵ 到 10³⁷", shape=(12, 1), slope=1.5, kind="wide"),
        case(en="NaN and ±inf", zh="NaN 与 ±inf", shape=(6, 1), slope=0.25, kind="special"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), slope=0.3, dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 9), slope=0.3, dtype="float16"),
    ]

    def inputs(self, rng, *, shape, slope=None, kind="normal"):
        x = rng.normal(shape) * 2
        if x.numel():  # never all positive, where the slope does not show
            x.view(-1)[0] = -1.0
        match kind:
            case "wide":
                x = x.sign() * 10.0 ** rng.uniform(shape, low=-35.0, high=37.0)
                x[:2] = torch.tensor([[1e-35], [-2e38]])[: len(x)]
            case "special":
                x[:3] = torch.tensor([[torch.nan], [torch.inf], [-torch.inf]])[: len(x)]
        return {"x": x} if slope is None else {"x": x, "negative_slope": slope}

    @check("gradients")
    @title(en="the gradient at 0", zh="0 处的梯度")
    def test_gradient_at_0(self, attempt, reference, rng):
        x = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 1000.0, -1000.0])
        cotangent = {0: rng.uniform(x.shape, low=0.5, high=1.5)}
        inputs = {"x": x, "negative_slope": 0.375}
        _, found = attempt.vjp(attempt.leaky_relu, inputs, ("x",), cotangent)
        _, right = reference.vjp(reference.leaky_relu, inputs, ("x",), cotangent)
        assert_close(
            found["x"],
            right["x"],
            en="x = 0, −0, ±10⁻³⁰, ±1000: autograd through your leaky_relu must give the slope at 0 and −0, as at negative "
            "x, and 1 at positive x",
            zh="x 为 0、−0、±10⁻³⁰、±1000：autograd 对你的 leaky_relu 求导，在 0 与 −0 处应得斜率（与负数相同），正数处为 1",
        )


class TestLeakyReLUBackward(EntrywiseSuite):
    entry = "leaky_relu_backward"
    elementwise = True
    forward, gradients_of_forward = "leaky_relu", ("x",)
    cases = [
        case(en="a few numbers", zh="几个数", shape=(5,)),
        case(en="slope 0.5", zh="斜率 0.5", shape=(3, 4), slope=0.5),
        case(en="slope 2", zh="斜率 2", shape=(4, 7), slope=2.0),
        case(en="slope −0.75", zh="斜率 −0.75", shape=(2, 3, 5), slope=-0.75),
        case(en="slope 0", zh="斜率 0", shape=(3, 6), slope=0.0),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=()),
        case(en="no entries", zh="没有元素", shape=(0, 3)),
        case(en="many zeros", zh="有许多 0", shape=(3, 8), slope=0.25, kind="zeros"),
        case(en="tiny x, each by itself", zh="x 很小，逐项衡量", shape=(9, 1), slope=0.25, kind="tiny"),
        case(en="x of ±inf", zh="x 为 ±inf", shape=(6, 1), slope=0.25, kind="inf"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), slope=0.3, dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 9), slope=0.3, dtype="float16"),
    ]

    def inputs(self, rng, *, shape, slope=None, kind="normal"):
        x = rng.normal(shape)
        if x.numel():  # never all positive, where the slope does not show
            x.view(-1)[0] = -1.0
        match kind:
            case "zeros":
                x = rng.integers(-1, 2, shape) * 1.0
                x[..., :2] = torch.tensor([0.0, -0.0])
            case "tiny":
                x = x * 1e-30
            case "inf":
                x = x.sign() * torch.inf
        inputs = {"grad_out": rng.normal(shape) + 0.1, "x": x}
        return inputs if slope is None else inputs | {"negative_slope": slope}

    def differentiated(self, rng, probe):
        given = self.prepared(rng, probe)
        cotangent = given.pop("grad_out")
        return given, {0: cotangent}
