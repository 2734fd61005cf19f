"""Grader of layer normalization."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, assert_growth, case, check, title

COARSE = (  # the middle of each pair is no number of the dtype; the square of 300 overflows float16
    (torch.bfloat16, (100.0, 100.5), 0.0, "a bfloat16 row of 100 and 100.5", "一行 bfloat16 的 100 与 100.5"),
    (torch.float16, (1000.0, 1000.5), 0.0, "a float16 row of 1000 and 1000.5", "一行 float16 的 1000 与 1000.5"),
    (torch.float16, (-300.0, 300.0), 1e-5, "a float16 row of ±300", "一行 float16 的 ±300"),
)
ROUNDING = 32  # roundoffs: 8 were measured for one pass over values that are shifted by the first of their group


class TestLayerNorm(ModuleSuite):
    entry = "LayerNorm"
    gradients = ("x", "parameters")
    cases = [
        case(en="three rows", zh="三行", lead=(3,), over=5, factor=ROUNDING),
        case(en="batch and tokens", zh="batch 与 token", lead=(2, 4), over=6, factor=ROUNDING),
        case(en="as many rows as entries", zh="行数等于每行元素数", lead=(4, 4), over=4, factor=ROUNDING),
        case(en="two dimensions at once", zh="同时归一化两维", lead=(3,), over=(4, 5), factor=ROUNDING),
        case(en="two of four dimensions", zh="四维中的后两维", lead=(2, 3), over=(4, 3), factor=ROUNDING),
        case(en="a large eps", zh="很大的 eps", lead=(3,), over=7, eps=0.5, factor=ROUNDING),
        case(en="a spread as small as √eps", zh="标准差与 √eps 相当", lead=(4,), over=7, scale=3e-3, factor=ROUNDING),
        case(en="a tuple of one size", zh="只含一个数的元组", lead=(2, 3), over=(5,), factor=ROUNDING),
    ]  # fmt: skip
    edges = [
        case(en="no leading dimension", zh="没有前面的维", lead=(), over=(3, 4), factor=ROUNDING),
        case(en="one entry", zh="只有一个元素", lead=(3,), over=1, factor=ROUNDING),
        case(en="a row of equal entries", zh="一行元素全部相等", lead=(3,), over=8, equal=True, factor=ROUNDING),
        case(en="mean 10000, standard deviation 1", zh="均值 10000，标准差 1", lead=(3,), over=33, offset=1e4, factor=ROUNDING),
        case(en="mean −10000, two dimensions", zh="均值 −10000，两维", lead=(2,), over=(5, 7), offset=-1e4, factor=ROUNDING),
        case(en="1027 entries", zh="1027 个元素", lead=(2,), over=1027, reduction=1027),
        case(en="bfloat16", zh="bfloat16", lead=(3,), over=33, dtype="bfloat16"),
        case(en="float16", zh="float16", lead=(3,), over=33, scale=300.0, dtype="float16"),
    ]  # fmt: skip

    def config(self, *, over, eps=None, **_):
        return {"normalized_shape": over} if eps is None else {"normalized_shape": over, "eps": eps}

    def inputs(self, rng, *, lead, over, scale=1.0, offset=0.0, equal=False, **_):
        x = rng.normal((*lead, *((over,) if isinstance(over, int) else over))) * scale + offset
        if equal:
            x[1] = 3.25
        return {"x": x}

    def valid(self, *, lead, over, **_):
        return min((*lead, *((over,) if isinstance(over, int) else over))) > 0

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        answers = []
        for dtype, (low, high), eps, en, zh in COARSE:
            x = torch.full((2, 64), low, dtype=dtype)
            x[:, rng.permutation(64)[:32]] = high
            kind = str(dtype).removeprefix("torch.")
            yours, right = (self.build(impl, dtype=kind, over=64, eps=eps)(x=x) for impl in (attempt, reference))
            answers.append((yours, right, en, zh))
        for yours, right, en, zh in answers:
            assert_close(
                yours,
                right,
                en=f"convert to float32 before anything is computed, and back at the end; wrong for {en}",
                zh=f"应先转 float32 再做任何计算，最后才转回；出错的输入：{zh}",
            )

    @check("cost")
    @title(en="no Python loop over groups or entries", zh="不在 Python 里逐组或逐元素循环")
    def test_no_loop(self, attempt, rng):
        costs = [self.build(attempt, over=n).profile(x=rng.normal((n, n))) for n in (8, 64)]
        assert_growth(
            *costs,
            "operations",
            at_most=2,
            en="From (8, 8) to (64, 64) your torch calls grow in number: you loop over groups or entries in Python.",
            zh="从 (8, 8) 到 (64, 64)，你调用 torch 的次数变多了：你在 Python 里逐组或逐元素循环。",
        )
