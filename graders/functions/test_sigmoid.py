"""Grader of the sigmoid and its hand-written backward.

The scale of an error is the largest entry of its row: cases of shape (n, 1) measure each entry by itself.
Larger numbers come fifth, where no gradients are graded: all of them small, their errors are those of 1 − y.
"""

import torch

from thinkllm_drill.grading import RoundedEntrywiseSuite, assert_close, case, check, title


class TestSigmoid(RoundedEntrywiseSuite):
    entry = "sigmoid"
    gradients = ("x",)
    cases = [
        case(en="a few numbers", zh="几个数", shape=(5,)),
        case(en="a matrix", zh="矩阵", shape=(3, 4)),
        case(en="three dims", zh="三维", shape=(2, 3, 5)),
        case(en="four dims", zh="四维", shape=(2, 1, 3, 2)),
        case(en="larger numbers", zh="较大的数", shape=(4, 7), scale=6.0),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=()),
        case(en="no entries", zh="没有元素", shape=(0, 3)),
        case(en="each by itself", zh="逐项衡量", shape=(9, 1), scale=4.0, factor=8),
        case(en="each by itself, −85 to −20", zh="逐项衡量，−85 到 −20", shape=(9, 1), kind="far", factor=8),
        case(en="±100 and beyond", zh="±100 及以外", shape=(8, 1), kind="extreme"),
        case(en="NaN and ±inf", zh="NaN 与 ±inf", shape=(6, 1), kind="special"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), dtype="bfloat16", factor=16),
        case(en="float16, ±1000", zh="float16，±1000", shape=(8, 1), kind="extreme", dtype="float16", factor=16),
    ]

    def inputs(self, rng, *, shape, scale=1.0, kind="normal"):
        x = rng.normal(shape) * scale
        match kind:
            case "far":
                x = rng.uniform(shape, low=-85.0, high=-20.0)
            case "extreme":
                x = rng.integers(110, 1000, shape) * x.sign()
                x[:2] = torch.tensor([[1000.0], [-1000.0]])[: len(x)]
            case "special":
                x[:3] = torch.tensor([[torch.nan], [torch.inf], [-torch.inf]])[: len(x)]
        return {"x": x}

    @check("gradients")
    @title(en="gradients at 0 and at ±1000", zh="0 与 ±1000 处的梯度")
    def test_gradient_at_0_and_far_out(self, attempt, reference, rng):
        x = torch.cat((torch.tensor([0.0, -0.0, 1000.0, -1000.0, 95.0, -95.0]), rng.normal((6,))))
        cotangent = {0: rng.uniform(x.shape, low=0.5, high=1.5)}
        _, found = attempt.vjp(attempt.sigmoid, {"x": x}, ("x",), cotangent)
        _, right = reference.vjp(reference.sigmoid, {"x": x}, ("x",), cotangent)
        assert_close(
            found["x"],
            right["x"],
            en="x = 0, −0, ±1000, ±95 and six more: autograd through your sigmoid must give σ′(x), 1/4 at 0 and 0 far out",
            zh="x 为 0、−0、±1000、±95 及另外六个数：autograd 对你的 sigmoid 求导应得到 σ′(x)，0 处为 1/4，远处为 0",
            reduction=1024,  # 64 roundoffs: y · (1 − y) with y rounded is off by 12
        )


class TestSigmoidBackward(RoundedEntrywiseSuite):
    entry = "sigmoid_backward"
    forward, gradients_of_forward = "sigmoid", ("x",)
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
        case(en="y exactly 0 or 1", zh="y 恰好为 0 或 1", shape=(6, 1), kind="ends"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), dtype="bfloat16", factor=16),
        case(en="float16", zh="float16", shape=(4, 9), dtype="float16", factor=16),
    ]

    def inputs(self, rng, *, shape, kind="normal"):
        y = rng.uniform(shape, low=0.02, high=0.98)
        match kind:
            case "tiny":
                y = 10.0 ** rng.uniform(shape, low=-30.0, high=-8.0)
            case "ends":
                y = y.round()
        return {"grad_out": rng.normal(shape), "y": y}

    def differentiated(self, rng, probe):
        given = self.prepared(rng, probe)
        return {"x": given["y"].logit()}, {0: given["grad_out"]}
