"""Grader of logistic regression."""

from functools import partial

import numpy as np
import torch

from thinkllm_drill.grading import FunctionSuite, assert_growth, case, check, fail, title

numbers = partial(case, factor=1024)
"""A case of float64: a gradient at zero does not depend on x, so that its conditioning would allow nothing."""
WARNING = """
def warning(f, inputs):
    import numpy as np
    kinds = {}
    with np.errstate(all="call", under="ignore", call=lambda kind, _: kinds.setdefault(kind)):
        f(**inputs)
    return ", ".join(kinds)
"""


def plain(value):
    """The value with numpy's floats as Python's: either will do."""
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    return float(value) if isinstance(value, np.floating) else value


class LogisticSuite(FunctionSuite):
    """What the three functions have in common: float64 arrays, labels that the features tell something about.

    Where z is huge, all labels are the same, else a gradient may be a sum of ±1 / n that is 0 but for rounding; so it may
    after huge steps, but not if n is odd.

    Numbers are compared within what float32 rounding of x and w would change.
    """

    arguments = ("x", "w", "b", "y")

    def inputs(self, rng, *, n, d, scale=1.0, labels="", **more):
        x, w, b = rng.normal((n, d)), rng.normal((d,)) * scale, rng.uniform((), 0.25, 2.0)
        x[:2] *= (x[:2] @ w * torch.tensor([1.0, -1.0])[:n]).sign().add(0.5).sign()[:, None]  # z of both signs
        y = (x @ (w / (scale or 1.0)) + b + rng.normal((n,)) > 0).long()
        y[0] = 1  # else an empty sum
        if n > 2:
            y[1] = 0
        if labels:
            y[:] = int(labels)
        arrays = {"x": x.double(), "w": w.double(), "y": y}
        known = {name: array.numpy() for name, array in arrays.items()} | {"b": float(b)}
        return {name: known[name] for name in self.arguments} | more

    def valid(self, *, n, d, steps=0, **_):
        return n > 0 and d > 0 and steps >= 0

    def output(self, value, impl):
        return plain(value)

    @title(en="no overflow on the way", zh="计算过程中不溢出")
    def test_no_warning(self, attempt, rng):
        given = self.inputs(rng, n=24, d=3, **self.extreme)
        given["x"] = given["x"] * 3000.0
        if warning := attempt.local(WARNING)(attempt[self.entry], given):
            fail(
                en=f"numpy warns: {warning}. With z in the thousands, take exp of −|z| only; np.where computes both of "
                "its branches.",
                zh=f"numpy 告警：{warning}。z 有几千时，只应对 −|z| 取 exp；np.where 的两个分支都会被计算。",
            )

    @check("cost")
    @title(en="no loop over samples or features", zh="不逐样本、逐特征循环")
    def test_no_loop(self, attempt, rng):
        costs = []
        for n in (8, 64):
            inputs = self.inputs(rng, n=n, d=n // 4, **self.extreme)
            costs.append(attempt.profile(self.entry, instructions=True, **inputs))
        assert_growth(
            *costs,
            "instructions",
            at_most=1.5,
            en="From 8 samples to 64 the Python steps grow in number: you loop over samples or features.",
            zh="样本从 8 个增到 64 个，Python 执行的步数变多了：你在逐样本或逐特征循环。",
        )


class TestPredictProba(LogisticSuite):
    entry = "predict_proba"
    arguments, extreme = ("x", "w", "b"), {}
    cases = [
        numbers(en="a few samples", zh="几个样本", n=5, d=3),
        numbers(en="one feature", zh="一个特征", n=6, d=1),
        numbers(en="as many features as samples", zh="特征数等于样本数", n=4, d=4),
    ]
    edges = [
        numbers(en="one sample", zh="一个样本", n=1, d=3),
        numbers(en="z in the hundreds", zh="z 达到数百", n=9, d=3, scale=300.0),
        numbers(en="z of ±10000", zh="z 达到 ±10000", n=9, d=3, scale=1e4),
        numbers(en="weights of 0", zh="权重全为 0", n=4, d=2, scale=0.0),
    ]


class TestLossAndGrad(LogisticSuite):
    entry = "loss_and_grad"
    outputs = ("loss", "dw", "db")
    arguments, extreme = ("w", "b", "x", "y"), {}
    cases = [
        numbers(en="a few samples", zh="几个样本", n=5, d=3),
        numbers(en="one feature", zh="一个特征", n=6, d=1),
        numbers(en="penalised, l2 = 0.5", zh="带惩罚，l2 = 0.5", n=7, d=3, l2=0.5),
        numbers(en="penalised, l2 = 3", zh="带惩罚，l2 = 3", n=9, d=2, l2=3.0),
        numbers(en="as many features as samples", zh="特征数等于样本数", n=4, d=4, l2=0.25),
    ]
    edges = [
        numbers(en="one sample", zh="一个样本", n=1, d=3, l2=0.25),
        numbers(en="class 1 only", zh="只有类别 1", n=5, d=2, labels="1"),
        numbers(en="class 0 only", zh="只有类别 0", n=5, d=2, labels="0"),
        numbers(en="weights of 0", zh="权重全为 0", n=6, d=2, scale=0.0),
        numbers(en="z of ±40, class 0", zh="z 为 ±40，类别 0", n=12, d=3, scale=20.0, labels="0"),
        numbers(en="z of ±40, class 1", zh="z 为 ±40，类别 1", n=12, d=3, scale=20.0, labels="1"),
        numbers(en="z in the hundreds, class 0", zh="z 达到数百，类别 0", n=9, d=3, scale=300.0, labels="0"),
        numbers(en="z of ±10000, class 0", zh="z 达到 ±10000，类别 0", n=9, d=3, scale=1e4, labels="0"),
        numbers(en="z of ±10000, class 1", zh="z 达到 ±10000，类别 1", n=9, d=3, scale=1e4, labels="1"),
        numbers(en="more features than samples", zh="特征多于样本", n=3, d=8, l2=0.125),
    ]  # fmt: skip


class TestFit(LogisticSuite):
    entry = "fit"
    outputs = ("w", "b")
    arguments, extreme = ("x", "y"), {"lr": 0.5, "steps": 2}
    cases = [
        numbers(en="one step", zh="一步", n=5, d=3, lr=0.5, steps=1),
        numbers(en="two steps", zh="两步", n=5, d=3, lr=0.5, steps=2),
        numbers(en="penalised, l2 = 0.5", zh="带惩罚，l2 = 0.5", n=7, d=2, lr=0.25, steps=4, l2=0.5),
        numbers(en="as many features as samples", zh="特征数等于样本数", n=4, d=4, lr=0.5, steps=3, l2=0.125),
        numbers(en="many steps", zh="很多步", n=23, d=4, lr=0.5, steps=50, l2=0.0625),
    ]
    edges = [
        numbers(en="no step", zh="零步", n=5, d=3, lr=0.5, steps=0),
        numbers(en="one sample", zh="一个样本", n=1, d=3, lr=0.5, steps=4, l2=0.125),
        numbers(en="class 0 only", zh="只有类别 0", n=5, d=2, labels="0", lr=0.5, steps=3),
        numbers(en="huge steps", zh="步子极大", n=7, d=3, lr=4096.0, steps=4),
    ]
