"""Grader of linear regression by least squares and by gradient descent."""

import numpy as np
import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, title


def plain(value):
    """The value with numpy's floats as Python's: either will do."""
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    return float(value) if isinstance(value, np.floating) else value


class RegressionSuite(FunctionSuite):
    """What both ways have in common: float64 arrays, compared within what float32 rounding of x and y would change."""

    def inputs(self, rng, *, n, d, level=0.0, scale=1.0, offset=0.0, kind="", **arguments):
        if kind in ("duplicate", "constant", "dependent"):  # short binary fractions, so that lost rank stays lost
            x = rng.integers(-32, 33, (n, d)) / 8.0
            if kind == "dependent":
                x[:, -1] = x[:, 0] + x[:, 1 % d] if d > 2 else x[:, 0]
            else:
                x[:, -1] = x[:, 0] if kind == "duplicate" else 2.5
        else:
            x = rng.normal((n, d)) * scale + level
        y = (x - level) @ rng.normal((d,)).to(x.dtype) + offset + rng.normal((n,)) * 0.5
        return {"x": x.double().numpy(), "y": y.double().numpy(), **arguments}

    def valid(self, *, n, d, steps=0, **_):
        return n > 0 and d > 0 and steps >= 0

    def output(self, value, impl):
        return plain(value)

    def loops(self, attempt, rng, **arguments):
        """Profiles of a small and of a large problem."""
        small, large = (self.inputs(rng, n=n, d=n // 4, **arguments) for n in (8, 64))
        return (attempt.profile(self.entry, instructions=True, **inputs) for inputs in (small, large))


class TestFitClosedForm(RegressionSuite):
    entry = "fit_closed_form"
    outputs = ("w", "b")
    cases = [
        case(en="a few samples", zh="几个样本", n=7, d=3, offset=2.0),
        case(en="features far from 0", zh="特征远离 0", n=9, d=2, level=3.0, offset=-4.0),
        case(en="one feature", zh="一个特征", n=6, d=1, offset=1.0),
        case(en="penalised, l2 = 0.5", zh="带惩罚，l2 = 0.5", n=8, d=3, offset=3.0, level=1.0, l2=0.5),
        case(en="penalised, other numbers", zh="带惩罚，另一组数", n=17, d=5, offset=-2.0, l2=0.03125),
        case(en="as many weights as samples", zh="权重数等于样本数", n=5, d=4, offset=1.0),
    ]  # fmt: skip
    edges = [
        case(en="a duplicated feature", zh="重复的特征", n=7, d=3, kind="duplicate", offset=2.0),
        case(en="a constant feature", zh="常数特征", n=7, d=3, kind="constant", offset=2.0),
        case(en="a feature that is the sum of two others", zh="某特征是另外两个之和", n=9, d=4, kind="dependent", offset=1.0),
        case(en="more features than samples", zh="特征多于样本", n=4, d=7, offset=2.0),
        case(en="more features than samples, penalised", zh="特征多于样本，带惩罚", n=4, d=7, offset=2.0, l2=0.25),
        case(en="a duplicated feature, penalised", zh="重复的特征，带惩罚", n=7, d=3, kind="duplicate", offset=2.0, l2=0.5),
        case(en="one sample", zh="一个样本", n=1, d=3, offset=2.0),
        case(en="targets far from 0, penalised", zh="目标值远离 0，带惩罚", n=8, d=2, offset=500.0, l2=0.25),
        case(en="a large penalty", zh="很大的惩罚", n=8, d=2, offset=3.0, l2=1000.0),
        case(en="features of very different size", zh="尺度悬殊的特征", n=12, d=3, kind="", scale=100.0, offset=1.0),
    ]  # fmt: skip

    @title(en="adding a constant to y", zh="y 加上常数")
    def test_constant_in_y(self, attempt, rng):
        given = self.inputs(rng, n=8, d=3, offset=1.0, l2=0.25)
        w, b = plain(attempt.fit_closed_form(**given))
        moved_w, moved_b = plain(attempt.fit_closed_form(**given | {"y": given["y"] + 64.0}))
        assert_close(
            torch.tensor([*moved_w, moved_b - 64.0]).float(),
            torch.tensor([*w, b]).float(),
            en="64 more on every y must leave w as it is and add 64 to b, also with a penalty",
            zh="每个 y 加 64 后，w 应不变、b 应增加 64，有惩罚时也一样",
            reduction=4096,
        )

    @check("cost")
    @title(en="no loop over samples or features", zh="不逐样本、逐特征循环")
    def test_no_loop(self, attempt, rng):
        assert_growth(
            *self.loops(attempt, rng),
            "instructions",
            at_most=1.5,
            en="From 8 samples to 64 the Python steps grow in number: you loop over samples or features.",
            zh="样本从 8 个增到 64 个，Python 执行的步数变多了：你在逐样本或逐特征循环。",
        )


class TestFitGd(RegressionSuite):
    entry = "fit_gd"
    outputs = ("w", "b", "losses")
    cases = [
        case(en="one step", zh="一步", n=7, d=3, offset=2.0, lr=0.1, steps=1),
        case(en="two steps", zh="两步", n=7, d=3, offset=2.0, lr=0.1, steps=2),
        case(en="features far from 0", zh="特征远离 0", n=9, d=2, level=2.0, offset=-4.0, lr=0.05, steps=3),
        case(en="penalised, l2 = 0.5", zh="带惩罚，l2 = 0.5", n=8, d=3, offset=3.0, lr=0.1, steps=3, l2=0.5),
        case(en="one feature", zh="一个特征", n=6, d=1, offset=1.0, lr=0.125, steps=4, l2=0.25),
        case(en="as many features as samples", zh="特征数等于样本数", n=4, d=4, offset=1.0, lr=0.05, steps=5),
        case(en="many steps", zh="很多步", n=17, d=5, offset=-2.0, lr=0.1, steps=60, l2=0.0625),
    ]  # fmt: skip
    edges = [
        case(en="no step", zh="零步", n=5, d=3, offset=1.0, lr=0.1, steps=0),
        case(en="one sample", zh="一个样本", n=1, d=3, offset=2.0, lr=0.05, steps=3, l2=0.125),
        case(en="more features than samples", zh="特征多于样本", n=3, d=7, offset=2.0, lr=0.05, steps=4),
        case(en="a step that is too large", zh="学习率过大", n=8, d=2, offset=1.0, lr=1.5, steps=6),
        case(en="a duplicated feature", zh="重复的特征", n=7, d=3, kind="duplicate", offset=1.0, lr=0.03125, steps=3),
    ]  # fmt: skip

    @check("cost")
    @title(en="no loop over samples or features", zh="不逐样本、逐特征循环")
    def test_no_loop(self, attempt, rng):
        assert_growth(
            *self.loops(attempt, rng, lr=0.01, steps=3),
            "instructions",
            at_most=1.5,
            en="From 8 samples to 64 the Python steps grow in number: you loop over samples or features.",
            zh="样本从 8 个增到 64 个，Python 执行的步数变多了：你在逐样本或逐特征循环。",
        )
