"""Grader of Llama's feed-forward layer and of the rule for its width."""

from thinkllm_drill.grading import FunctionSuite, ModuleSuite, assert_growth, case, check, fail, title


class TestLlamaFFNDim(FunctionSuite):
    entry = "llama_ffn_dim"
    layouts = False
    cases = [
        case(en="Llama 7B", zh="Llama 7B", d_model=4096),
        case(en="Llama 13B", zh="Llama 13B", d_model=5120),
        case(en="a multiple already", zh="已经是倍数", d_model=96, multiple_of=64),
        case(en="a fraction to drop", zh="有小数要舍去", d_model=4, multiple_of=1),
        case(en="just above a multiple", zh="刚超过倍数", d_model=100, multiple_of=53),
        case(en="Llama 3 8B", zh="Llama 3 8B", d_model=4096, multiple_of=1024, multiplier=1.3),
        case(en="Llama 3 70B", zh="Llama 3 70B", d_model=8192, multiple_of=4096, multiplier=1.3),
        case(en="two fractions to drop", zh="有两处小数要舍去", d_model=5, multiple_of=1, multiplier=1.5),
    ]
    edges = [
        case(en="a tiny model", zh="很小的模型", d_model=1, multiple_of=8),
        case(en="any width", zh="任意宽度", d_model=7, multiple_of=3, random=True),
        case(en="any width, multiple of 1", zh="任意宽度，倍数为 1", d_model=7, multiple_of=1, random=True),
        case(en="any width, widened", zh="任意宽度，带 multiplier", d_model=7, multiple_of=32, multiplier=1.75, random=True),
    ]  # fmt: skip

    def inputs(self, rng, *, d_model, multiple_of=None, multiplier=None, random=False):
        inputs = {"d_model": rng.randint(1000, 9000) if random else d_model}
        if multiple_of is not None:
            inputs["multiple_of"] = multiple_of
        if multiplier is not None:
            inputs["multiplier"] = multiplier
        return inputs

    def valid(self, *, d_model, multiple_of=1, **_):
        return d_model > 0 and multiple_of > 0


class TestSwiGLU(ModuleSuite):
    entry = "SwiGLU"
    gradients = ("x", "parameters")
    cases = [
        case(en="a few positions", zh="几个位置", shape=(2, 3), d_model=4, d_ff=7),
        case(en="narrower inside", zh="内部更窄", shape=(2, 5), d_model=8, d_ff=3),
        case(en="as wide inside", zh="内部同宽", shape=(3, 4), d_model=6, d_ff=6),
        case(en="wide", zh="较宽", shape=(2, 7), d_model=24, d_ff=64, reduction=64),
    ]
    edges = [
        case(en="one vector", zh="单个向量", shape=(), d_model=4, d_ff=7),
        case(en="rows", zh="若干行", shape=(5,), d_model=4, d_ff=7),
        case(en="three leading dimensions", zh="前面有三维", shape=(2, 3, 2), d_model=4, d_ff=7),
        case(en="no positions", zh="没有位置", shape=(0, 3), d_model=4, d_ff=7),
        case(en="a gate of ±1000", zh="门为 ±1000", shape=(2, 4), d_model=4, d_ff=7, scale=500.0),
        case(en="small inputs", zh="很小的输入", shape=(2, 4), d_model=4, d_ff=7, scale=1e-4),
    ]

    def config(self, *, d_model, d_ff, **_):
        return {"d_model": d_model, "d_ff": d_ff}

    def inputs(self, rng, *, shape, d_model, scale=1.0, **_):
        return {"x": rng.normal((*shape, d_model)) * scale}

    def valid(self, *, d_model, d_ff, **_):
        return d_model > 0 and d_ff > 0

    @check("cost")
    @title(en="three matrix products", zh="三次矩阵乘")
    def test_flops(self, attempt, rng):
        cost = self.build(attempt, d_model=16, d_ff=40).profile(x=rng.normal((2, 9, 16)))
        limit = 6 * 18 * 16 * 40
        if cost.flops > limit:
            fail(
                en=f"18 positions, d_model 16, d_ff 40: {cost.flops:,} FLOPs instead of 6 · 18 · 16 · 40 = {limit:,}. A "
                "projection is computed more than once.",
                zh=f"18 个位置，d_model 为 16，d_ff 为 40：用了 {cost.flops:,} FLOPs，而 6 · 18 · 16 · 40 = {limit:,}。"
                "有投影被重复计算了。",
            )

    @check("cost")
    @title(en="no Python loop over positions", zh="不在 Python 里逐位置循环")
    def test_no_loop(self, attempt, rng):
        layer = self.build(attempt, d_model=4, d_ff=7)
        assert_growth(
            layer.profile(x=rng.normal((2, 4, 4))),
            layer.profile(x=rng.normal((8, 32, 4))),
            "operations",
            at_most=2,
            en="From 8 to 256 positions your torch calls grow in number: you loop over positions or rows in Python.",
            zh="从 8 个位置到 256 个位置，你调用 torch 的次数变多了：你在 Python 里逐位置或逐行循环。",
        )
