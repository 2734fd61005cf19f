"""Grader of backpropagation through a two-layer network, in NumPy."""

import math

import numpy as np
import torch

from thinkllm_drill.grading import FunctionSuite, assert_growth, case, check, title

FACTOR = 160
"""Roundoffs of the largest entry of a row: a row of a gradient may come from examples whose terms cancel."""


class TestMLPForwardBackward(FunctionSuite):
    entry = "mlp_forward_backward"
    outputs = ("loss", "grads")
    layouts = False
    cases = [
        case(en="a few examples", zh="几个样本", batch=3, d_in=4, d_hidden=5, classes=2, factor=FACTOR),
        case(en="one example", zh="一个样本", batch=1, d_in=3, d_hidden=6, classes=4, factor=FACTOR),
        case(en="all sizes equal", zh="各维大小相等", batch=4, d_in=4, d_hidden=4, classes=4, factor=FACTOR),
        case(en="more classes than hidden units", zh="类别数多于隐藏单元", batch=6, d_in=5, d_hidden=3, classes=8, factor=FACTOR),
        case(en="a larger batch", zh="较大的 batch", batch=33, d_in=7, d_hidden=9, classes=5, reduction=33, factor=FACTOR),
    ]  # fmt: skip
    edges = [
        case(en="hidden inputs of exactly 0", zh="隐藏层输入恰好为 0", batch=4, d_in=3, d_hidden=5, classes=3, special="zero", factor=FACTOR),
        case(en="no hidden unit is active", zh="没有隐藏单元被激活", batch=3, d_in=3, d_hidden=4, classes=3, special="dead", factor=FACTOR),
        case(en="logits of ±10000", zh="±10000 的 logit", batch=5, d_in=4, d_hidden=6, classes=3, special="large", factor=131072),
        case(en="logits near −200 and near 0", zh="一些样本的 logit 在 −200 附近，一些在 0 附近", batch=4, d_in=4, d_hidden=4, classes=3, special="apart", factor=131072),
        case(en="one class", zh="只有一个类别", batch=3, d_in=4, d_hidden=5, classes=1, factor=FACTOR),
        case(en="the same class throughout", zh="全是同一个类别", batch=6, d_in=4, d_hidden=5, classes=3, special="same", factor=FACTOR),
        case(en="transposed arrays", zh="转置过的数组", batch=5, d_in=4, d_hidden=6, classes=3, special="transposed", factor=FACTOR),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, d_in, d_hidden, classes, special=""):
        x = rng.normal((batch, d_in))
        params = {
            "W1": rng.normal((d_in, d_hidden)) / math.sqrt(d_in),
            "b1": rng.normal((d_hidden,)) * 0.3,
            "W2": rng.normal((d_hidden, classes)) / math.sqrt(d_hidden),
            "b2": rng.normal((classes,)) * 0.3,
        }
        y = rng.integers(0, classes, (batch,))
        match special:
            case "zero":  # half of the examples
                x[::2], params["b1"] = 0.0, params["b1"] * 0
            case "dead":
                params["b1"] = params["b1"] - 64.0
            case "large":
                x, params["b1"] = x.abs() + 0.5, params["b1"].abs()
                params["W1"], params["W2"] = params["W1"].abs(), params["W2"] * 6000.0
            case (
                "apart"
            ):  # the first hidden unit moves all logits by −200, for every other example; the rest are active
                x[:, 0] = 64.0 * (rng.permutation(batch) % 2)
                params["W1"][0], params["b1"][0], params["b1"][1:] = 0.0, 0.0, 4.0
                params["W1"][:, 0], params["W1"][0, 0], params["W2"][0] = 0.0, 1.0, -3.125
            case "same":  # and it is never likely
                y, params["b2"][-1] = y * 0 + classes - 1, -3.0
        if special != "same":  # no gradient of p − q near 0: whose class is likely gets the least likely one
            logits = (x @ params["W1"] + params["b1"]).relu() @ params["W2"] + params["b2"]
            y = torch.where(logits.softmax(dim=1).gather(1, y[:, None])[:, 0] > 0.5, logits.argmin(dim=1), y)
        arrays = {"x": x, **params}
        ready = {name: value.numpy() for name, value in arrays.items()}
        if special == "transposed":
            ready = {name: np.asfortranarray(value) for name, value in ready.items()}
        return {"x": ready.pop("x"), "y": y.numpy(), "params": ready}

    def valid(self, *, batch, d_in, d_hidden, classes, **_):
        return min(batch, d_in, d_hidden, classes) > 0

    @check("cost")
    @title(en="no Python loop", zh="没有 Python 循环")
    def test_no_loop(self, attempt, rng):
        sizes = {"batch": 6, "d_in": 6, "d_hidden": 6, "classes": 6}
        small = attempt.profile("mlp_forward_backward", **self.inputs(rng, **sizes), instructions=True)
        for name, what, was in (("batch", "examples", "样本"), ("d_hidden", "hidden units", "隐藏单元"), ("classes", "classes", "类别")):  # fmt: skip
            large = attempt.profile(
                "mlp_forward_backward", **self.inputs(rng, **{**sizes, name: 48}), instructions=True
            )
            assert_growth(
                small,
                large,
                "instructions",
                at_most=1.5,
                en=f"From 6 to 48 {what} Python executes more: you loop over them. Use matrix products and sums along an axis.",
                zh=f"{was}从 6 个增到 48 个，Python 执行的指令变多了：你在对它们循环。应使用矩阵乘和沿轴求和。",
            )
