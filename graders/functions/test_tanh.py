"""Grader of tanh and its hand-written backward.

The scale of an error is the largest entry of its row: cases of shape (n, 1) measure each entry by itself.
Larger numbers come fifth, where no gradients are graded: all of them small, their errors are those of 1 − y.
"""

import torch

from thinkllm_drill.grading import RoundedEntrywiseSuite, assert_close, case, check, title


class TestTanh(RoundedEntrywiseSuite):
    entry = "tanh"
    gradients = ("x",)
    cases = [
        case(en="a few numbers", zh="几个数", shape=(5,)),
        case(en="a matrix", zh="矩阵", shape=(3, 4)),
        case(en="three dims", zh="三维", shape=(2, 3, 5)),
        case(en="four dims", zh="四维", shape=(2, 1, 3, 2)),
        case(en="larger numbers", zh="较大的数", shape=(4, 7), scale=6.0),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=(), factor=8),
        case(en="no entries", zh="没有元素", shape=(0, 3)),
        case(en="each by itself, 10⁻³⁰ to 0.1", zh="逐项衡量，10⁻³⁰ 到 0.1", shape=(12, 1), kind="tiny", factor=8),
        case(en="each by itself", zh="逐项衡量", shape=(9, 1), factor=8),
        case(en="each by itself, 10 to 80", zh="逐项衡量，10 到 80", shape=(9, 1), kind="large", factor=8),
        case(en="±100 and beyond", zh="±100 及以外", shape=(8, 1), kind="extreme", factor=8),
        case(en="NaN and ±inf", zh="NaN 与 ±inf", shape=(6, 1), kind="special", factor=8),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), dtype="bfloat16"),
        case(en="float16, ±1000", zh="float16，±1000", shape=(8, 1), kind="extreme", dtype="float16"),
    ]

    def inputs(self, rng, *, shape, scale=1.0, kind="normal"):
        x = rng.normal(shape) * scale
        match kind:
            case "tiny":
                x = x.sign() * 10.0 ** rng.uniform(shape, low=-30.0, high=-1.0)
                x[:2] = torch.tensor([[1e-9], [-1e-4]])[: len(x)]
            case "large":
                x = x.sign() * rng.uniform(shape, low=10.0, high=80.0)
            case "extreme":
                x = x.sign() * rng.integers(110, 1000, shape)
                x[:2] = torch.tensor([[1000.0], [-1000.0]])[: len(x)]
            case "special":
                x[:3] = torch.tensor([[torch.nan], [torch.inf], [-torch.inf]])[: len(x)]
        return {"x": x}

    @check("gradients")
    @title(en="gradients at 0 and at ±1000", zh="0 与 ±1000 处的梯度")
    def test_gradient_at_0_and_far_out(self, attempt, reference, rng):
        x = torch.cat((torch.tensor([0.0, -0.0, 1000.0, -1000.0, 95.0, -95.0, 1e-4, -1e-9]), rng.normal((4,))))
        cotangent = {0: rng.uniform(x.shape, low=0.5, high=1.5)}
        _, found = attempt.vjp(attempt.tanh, {"x": x}, ("x",), cotangent)
        _, right = reference.vjp(reference.tanh, {"x": x}, ("x",), cotangent)
        assert_close(
            found["x"],
            right["x"],
            en="x = 0, −0, ±1000, ±95, 10⁻⁴, −10⁻⁹ and four more: autograd through your tanh must give 1 − tanh²(x), "
            "1 at 0 and 0 far out",
            zh="x 为 0、−0、±1000、±95、10⁻⁴、−10⁻⁹ 及另外四个数：autograd 对你的 tanh 求导应得到 1 − tanh²(x)，"
            "0 处为 1，远处为 0",
        )


class TestTanhBackward(RoundedEntrywiseSuite):
    entry = "tanh_backward"
    forward, gradients_of_forward = "tanh", ("x",)
    cases = [
        case(en="a few numbers", zh="几个数", shape=(5,)),
        case(en="a matrix", zh="矩阵", shape=(3, 4)),
        case(en="three dims", zh="三维", shape=(2, 3, 5)),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=()),
        case(en="no entries", zh="没有元素", shape=(0, 3)),
        case(en="each by itself", zh="逐项衡量", shape=(9, 1), factor=8),
        case(en="y near 0, each by itself", zh="y 接近 0，逐项衡量", shape=(9, 1), kind="tiny", factor=8),
        case(en="y exactly 0 or ±1", zh="y 恰好为 0 或 ±1", shape=(9, 1), kind="ends"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 9), dtype="float16"),
    ]

    def inputs(self, rng, *, shape, kind="normal"):
        y = rng.uniform(shape, low=-0.95, high=0.95)
        match kind:
            case "tiny":
                y = y.sign() * 10.0 ** rng.uniform(shape, low=-30.0, high=-3.0)
            case "ends":
                y = rng.integers(-1, 2, shape) * 1.0
        return {"grad_out": rng.normal(shape), "y": y}

    def differentiated(self, rng, probe):
        given = self.prepared(rng, probe)
        return {"x": given["y"].atanh()}, {0: given["grad_out"]}
