"""Grader of the sinusoidal positional encoding."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, title


class TestSinusoidalPE(FunctionSuite):
    """A roundoff in a frequency is p of them in the angle at position p: cases allow four a position.

    No two bases or dtypes meet at one size before the test that is about it.
    """

    entry = "sinusoidal_pe"
    cases = [
        case(en="five positions", zh="五个位置", max_len=5, d_model=8, factor=32),
        case(en="another base", zh="另一个 base", max_len=6, d_model=10, base=100.0, factor=32),
        case(en="an odd d_model", zh="奇数的 d_model", max_len=4, d_model=7, factor=32),
        case(en="as many positions as columns", zh="位置数等于列数", max_len=12, d_model=12, factor=48),
        case(en="d_model 64", zh="d_model 为 64", max_len=65, d_model=64, factor=260),
    ]  # fmt: skip
    edges = [
        case(en="one position", zh="只有一个位置", max_len=1, d_model=6, factor=4),
        case(en="one column", zh="只有一列", max_len=9, d_model=1, factor=36),
        case(en="two columns", zh="两列", max_len=9, d_model=2, factor=36),
        case(en="three columns, another base", zh="三列，另一个 base", max_len=9, d_model=3, base=50.0, factor=36),
        case(en="4096 positions", zh="4096 个位置", max_len=4096, d_model=5, factor=16384),
        case(en="bfloat16", zh="bfloat16", max_len=300, d_model=14, half="bfloat16", factor=4),
        case(en="float16, 4096 positions", zh="float16，4096 个位置", max_len=4096, d_model=9, half="float16", factor=8),
    ]  # fmt: skip

    def inputs(self, rng, *, max_len, d_model, base=None, half=None):
        inputs = {"max_len": max_len, "d_model": d_model}
        if base is not None:
            inputs["base"] = base
        if half is not None:
            inputs["dtype"] = getattr(torch, half)
        return inputs

    def valid(self, *, max_len, d_model, **_):
        return max_len > 0 and d_model > 0

    @title(en="k positions further is a rotation of each pair", zh="前移 k 个位置就是每一对转过一个角度")
    def test_rotation(self, attempt, rng):
        k, d_model = rng.randint(1, 9), 14
        table = attempt.sinusoidal_pe(max_len=24, d_model=d_model).double()
        angle = k * 10000.0 ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
        sin, cos = table[:-k, 0::2], table[:-k, 1::2]
        turned = (sin * angle.cos() + cos * angle.sin(), cos * angle.cos() - sin * angle.sin())
        assert_close(
            table[k:].float(),
            torch.stack(turned, dim=-1).flatten(1).float(),
            en=f"row p + {k} must be row p with each pair turned by {k} · ωᵢ",
            zh=f"第 p + {k} 行应当等于第 p 行的每一对转过 {k} · ωᵢ",
            reduction=4096,
        )

    @title(en="each call by its own arguments", zh="每次调用只看自己的参数")
    def test_arguments_of_each_call(self, attempt, reference):
        for base, dtype, max_len in (
            (10000.0, torch.float32, 4),
            (300.0, torch.float32, 4),
            (10000.0, torch.bfloat16, 4),
            (10000.0, torch.float32, 7),
        ):
            given = {"max_len": max_len, "d_model": 16, "base": base, "dtype": dtype}
            assert_close(
                attempt.sinusoidal_pe(**given),
                reference.sinusoidal_pe(**given),
                en=f"d_model 16 with base 10000, then 300, then in bfloat16, then longer: wrong for base {base:g}, {dtype}, "
                f"max_len {max_len}. A table that is kept between calls goes with all its arguments.",
                zh=f"d_model 为 16，先用 base 10000，再用 300，再用 bfloat16，再加长：base {base:g}、{dtype}、max_len {max_len} "
                "时结果不对。若在调用之间缓存，要按全部参数区分。",
                reduction=256,
            )

    @check("cost")
    @title(en="no Python loop over positions or columns", zh="不在 Python 里逐个位置或逐列循环")
    def test_no_loop(self, attempt):
        for small, large in (((8, 24), (64, 24)), ((24, 8), (24, 64))):
            assert_growth(
                *(
                    attempt.profile("sinusoidal_pe", max_len=rows, d_model=columns, instructions=True)
                    for rows, columns in (small, large)
                ),
                "instructions",
                at_most=1.5,
                en=f"From {small} to {large} Python executes more: you loop over positions or columns.",
                zh=f"从 {small} 到 {large}，Python 执行的指令变多了：你逐个位置或逐列循环。",
            )
