"""Grader of softmax regression."""

from functools import partial

import numpy as np
import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, fail, title

numbers = partial(case, factor=1024)
"""A case of float64: a gradient at zero does not depend on x, so that its conditioning would allow nothing."""
WARNING = """
def warning(f, inputs):
    import numpy as np
    with np.errstate(all="raise", under="ignore"):
        try:
            f(**inputs)
        except FloatingPointError as error:
            return str(error)
    return ""
"""


def plain(value):
    """The value with numpy's floats as Python's: either will do."""
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    return float(value) if isinstance(value, np.floating) else value


class SoftmaxRegressionSuite(FunctionSuite):
    """What the functions have in common: float64 arrays, every class once where there are samples enough.

    Numbers are compared within what float32 rounding of x, w and b would change.
    """

    arguments = ("w", "b", "x", "y")

    def inputs(self, rng, *, n, d, classes, scale=1.0, absent=False, lift=0.0, **more):
        x, w, b = rng.normal((n, d)), rng.normal((d, classes)) * scale, rng.normal((classes,)) * scale
        y = rng.integers(0, classes, (n,))
        first = rng.permutation(classes)[:n]
        y[: len(first)] = first
        if scale > 10:  # labels all wrong for the first sample, else the gradient may be 0 but for rounding
            y[:] = (x[0] @ w + b).argmin()
        if absent:
            y = y.clamp(max=classes - 2)
        arrays = {"w": w.double(), "b": b.double() + lift, "x": x.double(), "y": y}
        return {name: arrays[name].numpy() for name in self.arguments} | more

    def valid(self, *, n, d, classes, steps=0, **_):
        return n > 0 and d > 0 and classes > 1 and steps >= 0

    def output(self, value, impl):
        return plain(value)

    def given(self, rng, n, d, classes):
        """Arguments of a call for the tests of overflow and cost."""
        return self.inputs(rng, n=n, d=d, classes=classes)

    @title(en="no overflow on the way", zh="计算过程中不溢出")
    def test_no_warning(self, attempt, rng):
        given = self.given(rng, 6, 3, 4)
        given["x"] = given["x"] * 3000.0
        if warning := attempt.local(WARNING)(attempt[self.entry], given):
            fail(
                en=f"numpy warns: {warning}. Subtract the largest logit of each sample before you take exp, and never "
                "take the log of a probability.",
                zh=f"numpy 告警：{warning}。取 exp 之前应减去每个样本最大的 logit，也不要对概率取 log。",
            )

    @check("cost")
    @title(en="no loop over samples, features or classes", zh="不逐样本、逐特征、逐类别循环")
    def test_no_loop(self, attempt, rng):
        costs = [
            attempt.profile(self.entry, instructions=True, **self.given(rng, 2 * size, size, size + 1))
            for size in (4, 32)
        ]
        assert_growth(
            *costs,
            "instructions",
            at_most=1.5,
            en="From 8 samples, 4 features and 5 classes to 64, 32 and 33 the Python steps grow in number: you loop over "
            "one of them.",
            zh="从 8 个样本、4 个特征、5 个类别到 64、32、33，Python 执行的步数变多了：你对其中之一做了循环。",
        )


class TestLossAndGrad(SoftmaxRegressionSuite):
    entry = "loss_and_grad"
    outputs = ("loss", "dw", "db")
    cases = [
        numbers(en="a few samples", zh="几个样本", n=6, d=3, classes=4),
        numbers(en="two classes", zh="两个类别", n=5, d=3, classes=2),
        numbers(en="penalised, l2 = 0.5", zh="带惩罚，l2 = 0.5", n=7, d=2, classes=3, l2=0.5),
        numbers(en="penalised, l2 = 3", zh="带惩罚，l2 = 3", n=9, d=4, classes=3, l2=3.0),
        numbers(en="samples, features and classes equal in number", zh="样本、特征、类别数相等", n=4, d=4, classes=4, l2=0.25),
        numbers(en="more classes than samples", zh="类别多于样本", n=3, d=2, classes=7),
    ]  # fmt: skip
    edges = [
        numbers(en="one sample", zh="一个样本", n=1, d=3, classes=4, l2=0.25),
        numbers(en="one feature", zh="一个特征", n=6, d=1, classes=3),
        numbers(en="the last class does not occur", zh="最后一个类别不出现", n=6, d=2, classes=4, absent=True),
        numbers(en="at zero", zh="在零点", n=7, d=2, classes=3, scale=0.0),
        numbers(en="logits of ±40, badly wrong", zh="logit 为 ±40，错得厉害", n=12, d=3, classes=4, scale=20.0),
        numbers(en="logits in the hundreds", zh="logit 达到数百", n=9, d=3, classes=4, scale=300.0),
        numbers(en="logits of ±10000", zh="logit 达到 ±10000", n=9, d=3, classes=4, scale=5e3),
        numbers(en="all logits near 1000", zh="logit 都在 1000 附近", n=5, d=2, classes=3, lift=1000.0),
        numbers(en="all logits near minus 1000", zh="logit 都在 −1000 附近", n=5, d=2, classes=3, lift=-1000.0),
    ]  # fmt: skip

    @title(en="one vector added to all classes", zh="给所有类别加同一个向量")
    def test_shift_invariance(self, attempt, rng):
        given = self.inputs(rng, n=6, d=3, classes=4)
        shift = rng.normal((3, 1)).double().numpy()
        before = plain(attempt.loss_and_grad(**given))
        after = plain(attempt.loss_and_grad(**given | {"w": given["w"] + shift, "b": given["b"] + 2.0}))
        flat = [torch.tensor([loss, *dw.flatten(), *db]).float() for loss, dw, db in (before, after)]
        assert_close(
            flat[1],
            flat[0],
            en="the same vector added to the weights of every class, and 2 to every bias, must change neither loss nor "
            "gradient (l2 = 0)",
            zh="每个类别的权重都加同一个向量，每个偏置都加 2，损失与梯度都不应改变（l2 = 0）",
        )


class TestFit(SoftmaxRegressionSuite):
    entry = "fit"
    outputs = ("w", "b")
    arguments = ("x", "y")
    cases = [
        numbers(en="one step", zh="一步", n=6, d=3, classes=4, lr=0.5, steps=1),
        numbers(en="two steps", zh="两步", n=6, d=3, classes=4, lr=0.5, steps=2),
        numbers(en="penalised, l2 = 0.5", zh="带惩罚，l2 = 0.5", n=7, d=2, classes=3, lr=0.25, steps=4, l2=0.5),
        numbers(en="a class that does not occur", zh="有类别不出现", n=6, d=2, classes=5, absent=True, lr=0.5, steps=3),
        numbers(en="many steps", zh="很多步", n=23, d=4, classes=3, lr=0.5, steps=40, l2=0.0625),
    ]
    edges = [
        numbers(en="no step", zh="零步", n=5, d=3, classes=4, lr=0.5, steps=0),
        numbers(en="one sample", zh="一个样本", n=1, d=3, classes=4, lr=0.5, steps=4, l2=0.125),
        numbers(en="two classes", zh="两个类别", n=5, d=2, classes=2, lr=0.5, steps=3),
        numbers(en="huge steps", zh="步子极大", n=7, d=3, classes=3, lr=4096.0, steps=3),
    ]

    def inputs(self, rng, *, classes, lr=0.5, steps=2, **more):
        return super().inputs(rng, classes=classes, **more) | {"num_classes": classes, "lr": lr, "steps": steps}


class TestPredict(SoftmaxRegressionSuite):
    entry = "predict"
    arguments = ("x", "w", "b")
    cases = [
        case(en="a few samples", zh="几个样本", n=16, d=3, classes=4),
        case(en="two classes", zh="两个类别", n=12, d=3, classes=2),
        case(en="as many classes as samples", zh="类别数等于样本数", n=8, d=3, classes=8),
    ]
    edges = [
        case(en="one sample", zh="一个样本", n=1, d=3, classes=5),
        case(en="logits of ±10000", zh="logit 达到 ±10000", n=12, d=3, classes=4, scale=5e3),
        case(en="all logits near 1000", zh="logit 都在 1000 附近", n=12, d=3, classes=4, lift=1000.0),
        case(en="logits that differ far below 1", zh="logit 之差远小于 1", n=12, d=3, classes=4, scale=0.0009765625),
        case(en="ties", zh="并列", n=12, d=2, classes=5, tied=True),
        case(en="ties at 0", zh="在 0 处并列", n=3, d=2, classes=4, scale=0.0),
    ]

    def inputs(self, rng, *, n, d, classes, tied=False, **more):
        inputs = super().inputs(rng, n=n, d=d, classes=classes, **more)
        if tied:  # short binary fractions, so that equal logits stay equal
            w = (rng.integers(-16, 17, (d, classes)) / 8.0).double()
            w[:, classes // 2 :] = w[:, : classes - classes // 2]
            x = (rng.integers(-16, 17, (n, d)) / 8.0).double()
            inputs = {"x": x.numpy(), "w": w.numpy(), "b": np.zeros(classes)}
        return inputs
