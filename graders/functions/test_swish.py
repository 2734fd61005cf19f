"""Grader of swish and its hand-written backward, which comes first, as autograd through swish uses it.

The scale of an error is the largest entry of its row: cases of shape (n, 1) measure each entry by itself.
"""

import torch

from thinkllm_drill.grading import RoundedEntrywiseSuite, assert_close, case, check, fail, title


def special(rng, x, kind):
    """The numbers of a case: as they are, tiny, far to the left, beyond ±100, or with a NaN."""
    match kind:
        case "tiny":
            return x.sign() * 10.0 ** rng.uniform(x.shape, low=-30.0, high=-1.0)
        case "far":
            return rng.uniform(x.shape, low=-80.0, high=-10.0)
        case "extreme":
            x = x.sign() * rng.integers(110, 1000, x.shape)
            x[:2] = torch.tensor([[1000.0], [-1000.0]])[: len(x)]
        case "nan":
            x[:1] = torch.nan
    return x


class TestSwishBackward(RoundedEntrywiseSuite):
    entry = "swish_backward"
    half, cancelled = {"beta": 1.25}, 1e-6  # some roundoffs of the terms that cancel where the derivative crosses 0
    forward, gradients_of_forward = "swish", ("x",)
    cases = [
        case(en="a few numbers", zh="几个数", shape=(5,)),
        case(en="beta 2", zh="beta 为 2", shape=(3, 4), beta=2.0),
        case(en="beta −0.5, three dims", zh="beta 为 −0.5，三维", shape=(2, 3, 5), beta=-0.5),
        case(en="beta 0", zh="beta 为 0", shape=(3, 6), beta=0.0),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=()),
        case(en="no entries", zh="没有元素", shape=(0, 3)),
        case(en="each by itself, −80 to −10", zh="逐项衡量，−80 到 −10", shape=(9, 1), kind="far"),
        case(en="±100 and beyond", zh="±100 及以外", shape=(8, 1), beta=1.5, kind="extreme"),
        case(en="NaN", zh="NaN", shape=(6, 1), beta=1.5, kind="nan"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), dtype="bfloat16"),
        case(en="float16, ±1000", zh="float16，±1000", shape=(8, 1), kind="extreme", dtype="float16"),
    ]

    def inputs(self, rng, *, shape, beta=None, kind="normal"):
        x = special(rng, rng.normal(shape) * 1.5, kind)
        inputs = {"grad_out": rng.normal(shape), "x": x}
        return inputs if beta is None else inputs | {"beta": beta}

    def differentiated(self, rng, probe):
        given = self.prepared(rng, probe)
        cotangent = given.pop("grad_out")
        return given, {0: cotangent}


class TestSwish(RoundedEntrywiseSuite):
    entry = "swish"
    half, cancelled = {"beta": 1.25}, 1e-6  # some roundoffs of the terms that cancel where the derivative crosses 0
    gradients, gradient_cases = ("x",), None
    cases = [
        case(en="a few numbers", zh="几个数", shape=(5,)),
        case(en="beta 2", zh="beta 为 2", shape=(3, 4), beta=2.0),
        case(en="beta −0.5, three dims", zh="beta 为 −0.5，三维", shape=(2, 3, 5), beta=-0.5),
        case(en="beta 0", zh="beta 为 0", shape=(3, 6), beta=0.0),
        case(en="larger numbers", zh="较大的数", shape=(4, 7), beta=1.5, scale=6.0),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=(), factor=8),
        case(en="no entries", zh="没有元素", shape=(0, 3)),
        case(
            en="each by itself, ±10⁻³⁰ to ±0.1",
            zh="逐项衡量，±10⁻³⁰ 到 ±0.1",
            shape=(12, 1),
            beta=0.7,
            kind="tiny",
            factor=8,
        ),
        case(en="each by itself, −80 to −10", zh="逐项衡量，−80 到 −10", shape=(9, 1), kind="far", factor=8),
        case(en="±100 and beyond", zh="±100 及以外", shape=(8, 1), beta=1.5, kind="extreme", factor=8),
        case(en="NaN", zh="NaN", shape=(6, 1), beta=1.5, kind="nan", factor=8),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), dtype="bfloat16"),
        case(en="float16, ±1000", zh="float16，±1000", shape=(8, 1), kind="extreme", dtype="float16"),
    ]

    def inputs(self, rng, *, shape, beta=None, scale=1.5, kind="normal"):
        x = special(rng, rng.normal(shape) * scale, kind)
        return {"x": x} if beta is None else {"x": x, "beta": beta}

    @check("gradients")
    @title(en="gradients at 0 and at ±1000", zh="0 与 ±1000 处的梯度")
    def test_gradient_at_0_and_far_out(self, attempt, reference, rng):
        x = torch.cat((torch.tensor([0.0, -0.0, 1000.0, -1000.0, 200.0, -200.0]), rng.normal((6,))))
        cotangent = {0: rng.uniform(x.shape, low=0.5, high=1.5)}
        inputs = {"x": x, "beta": 1.75}
        _, found = attempt.vjp(attempt.swish, inputs, ("x",), cotangent)
        _, right = reference.vjp(reference.swish, inputs, ("x",), cotangent)
        assert_close(
            found["x"],
            right["x"],
            en="x = 0, −0, ±1000, ±200 and six more: autograd through your swish must give s + beta · x · s · (1 − s), 1/2 at "
            "0, 1 far to the right and 0 far to the left",
            zh="x 为 0、−0、±1000、±200 及另外六个数：autograd 对你的 swish 求导应得 s + beta · x · s · (1 − s)，0 处为 1/2，"
            "很大的正数处为 1，很大的负数处为 0",
        )

    @check("cost")
    @title(en="only x is kept for backward", zh="只为反向保留 x")
    def test_saved(self, attempt, rng):
        for dtype in (torch.float32, torch.bfloat16):
            x = rng.normal((64, 64)).to(dtype)
            kept = attempt.profile("swish", x=x, beta=1.5, saved=True).saved_bytes
            kind = str(dtype).removeprefix("torch.")
            if kept >= x.nbytes:
                fail(
                    en=f"x of {x.nbytes} bytes ({kind}): {kept} bytes beyond it are kept for backward. Save x alone in a "
                    "torch.autograd.Function, and compute the sigmoid again in its backward.",
                    zh=f"x 为 {x.nbytes} 字节（{kind}）：此外还为反向保留了 {kept} 字节。应在 torch.autograd.Function 中"
                    "只保存 x，在 backward 里重新计算 sigmoid。",
                )
