"""Grader of GELU, exact and by tanh.

The scale of an error is the largest entry of its row. 1 + erf(…) is no more exact than 1, so the first entry of a row is
positive, but for tiny entries and those beyond ±100, where cases of shape (n, 1) measure each by itself. By
tanh, the gradient multiplies 1 − tanh² with a polynomial: honest ones were measured at 33 roundoffs.
"""

import torch

from thinkllm_drill.grading import EntrywiseSuite, assert_close, assert_rounded_once, case, check, raises, title


class TestGELU(EntrywiseSuite):
    entry = "gelu"
    gradients = ("x",)
    cases = [
        case(en="exact", zh="精确版", shape=(7,)),
        case(en="by tanh", zh="tanh 近似", shape=(7,), approximate="tanh", factor=72),
        case(en="exact, by name", zh="显式指定精确版", shape=(3, 6), approximate="none"),
        case(en="by tanh, three dims", zh="tanh 近似，三维", shape=(2, 3, 5), approximate="tanh", factor=72),
        case(en="exact, larger numbers", zh="精确版，较大的数", shape=(4, 9), scale=4.0),
        case(en="by tanh, larger numbers", zh="tanh 近似，较大的数", shape=(4, 9), approximate="tanh", scale=4.0),
    ]
    edges = [
        case(en="no dimensions", zh="零维", shape=()),
        case(en="no entries", zh="没有元素", shape=(0, 3), approximate="tanh"),
        case(en="tiny, each by itself", zh="很小的数，逐项衡量", shape=(9, 1), kind="tiny"),
        case(en="tiny, each by itself, by tanh", zh="很小的数，逐项衡量，tanh 近似", shape=(9, 1), kind="tiny", approximate="tanh"),
        case(en="±100 and beyond", zh="±100 及以外", shape=(8, 1), kind="extreme"),
        case(en="±100 and beyond, by tanh", zh="±100 及以外，tanh 近似", shape=(8, 1), kind="extreme", approximate="tanh"),
        case(en="NaN", zh="NaN", shape=(3, 6), kind="nan"),
        case(en="NaN, by tanh", zh="NaN，tanh 近似", shape=(3, 6), kind="nan", approximate="tanh"),
        case(en="bfloat16", zh="bfloat16", shape=(4, 9), dtype="bfloat16"),
        case(en="float16, ±1000, by tanh", zh="float16，±1000，tanh 近似", shape=(8, 1), kind="extreme", approximate="tanh", dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, approximate=None, scale=1.5, kind="normal"):
        x = rng.normal(shape) * scale
        match kind:
            case "tiny":
                x = x.sign() * 10.0 ** rng.uniform(shape, low=-30.0, high=-1.0)
            case "extreme":
                x = x.sign() * rng.integers(110, 1000, shape)
                x[:2] = torch.tensor([[1000.0], [-1000.0]])[: len(x)]
            case _ if x.dim():
                x[..., 0] = x[..., 0].abs() + 1.0
                x[..., 1:2] = torch.nan if kind == "nan" else x[..., 1:2]
            case _:
                x = x.abs() + 1.0
        return {"x": x} if approximate is None else {"x": x, "approximate": approximate}

    @check("gradients")
    @title(en="gradients at 0 and at ±1000", zh="0 与 ±1000 处的梯度")
    def test_gradient_at_0_and_far_out(self, attempt, reference, rng):
        x = torch.cat((torch.tensor([0.0, -0.0, 1000.0, -1000.0, 50.0, -50.0]), rng.normal((6,))))
        cotangent = {0: rng.uniform(x.shape, low=0.5, high=1.5)}
        for approximate in ("none", "tanh"):
            inputs = {"x": x, "approximate": approximate}
            _, found = attempt.vjp(attempt.gelu, inputs, ("x",), cotangent)
            _, right = reference.vjp(reference.gelu, inputs, ("x",), cotangent)
            assert_close(
                found["x"],
                right["x"],
                en=f"x = 0, −0, ±1000, ±50 and six more, approximate={approximate!r}: the gradient by autograd must be 1/2 at "
                "0, 1 far to the right and 0 far to the left",
                zh=f"x 为 0、−0、±1000、±50 及另外六个数，approximate={approximate!r}：autograd 求得的梯度在 0 处应为 1/2，"
                "很大的正数处为 1，很大的负数处为 0",
                reduction=1296,  # 72 roundoffs, as in the cases by tanh
            )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        for dtype in (torch.bfloat16, torch.float16):
            for approximate in ("none", "tanh"):
                x = rng.uniform((512,), low=-2.0, high=5.0).to(dtype)
                found = attempt.gelu(x=x, approximate=approximate)
                right = reference.gelu(x=x, approximate=approximate)
                assert_rounded_once(
                    found,
                    right,
                    dtype,
                    spacings=0.52,
                    en=f"approximate={approximate!r}: entries are off by more than one rounding. Convert to float32 before "
                    "anything is computed, and back at the end.",
                    zh=f"approximate={approximate!r}：有些项的误差超过了一次舍入。应先转 float32 再做任何计算，最后才转回。",
                )

    @title(en="another name raises ValueError", zh="其他名称抛出 ValueError")
    def test_unknown_name(self, attempt, rng):
        x = rng.normal((3,))
        for name in ("erf", "Tanh", ""):
            raises(
                lambda name=name: attempt.gelu(x=x, approximate=name),
                "ValueError",
                en=f"approximate={name!r} must raise ValueError, not pick a form in silence",
                zh=f"approximate={name!r} 应抛出 ValueError，而不是默默选一种形式",
            )
