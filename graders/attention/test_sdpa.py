"""Grader of scaled dot-product attention."""

import torch

from thinkllm_drill.grading import (
    FunctionSuite,
    assert_close,
    assert_enough_flops,
    assert_growth,
    case,
    check,
    title,
)

BATCH = {"batch": 2, "heads": 3}


class TestScaledDotProductAttention(FunctionSuite):
    """In half precision only the result is rounded, by one roundoff: two and a half are allowed, and inputs are short fractions."""

    entry = "scaled_dot_product_attention"
    gradients = ("q", "k", "v")
    intermediates = ("scores", "weights")
    cases = [
        case(en="every key allowed", zh="所有键都允许", **BATCH, q_len=4, kv_len=6, head_dim=8, v_dim=5),
        case(en="causal, more keys than queries", zh="因果，键多于查询", **BATCH, q_len=4, kv_len=6, head_dim=8, v_dim=5, is_causal=True),
        case(en="any mask", zh="任意掩码", **BATCH, q_len=5, kv_len=7, head_dim=4, v_dim=3, mask="random"),
        case(en="causal, as many keys as queries", zh="因果，键与查询一样多", **BATCH, q_len=7, kv_len=7, head_dim=8, v_dim=4, is_causal=True),
        case(en="a mask of the keys, and causal", zh="键掩码，且因果", **BATCH, q_len=3, kv_len=8, head_dim=8, v_dim=8, mask="keys", is_causal=True),
        case(en="a mask of two dimensions", zh="二维掩码", **BATCH, q_len=3, kv_len=5, head_dim=8, v_dim=4, mask="two dimensions"),
        case(en="a mask for each head", zh="每个头一个掩码", **BATCH, q_len=4, kv_len=5, head_dim=8, v_dim=4, mask="heads", is_causal=False),
        case(en="a scale", zh="给定 scale", **BATCH, q_len=4, kv_len=5, head_dim=16, v_dim=6, factor_of_scores=0.7),
    ]  # fmt: skip
    edges = [
        case(en="one decoding query, causal", zh="解码的单个查询，因果", **BATCH, q_len=1, kv_len=9, head_dim=4, v_dim=3, is_causal=True),
        case(en="queries that may attend to nothing", zh="没有可注意位置的查询", **BATCH, q_len=4, kv_len=5, head_dim=4, v_dim=6, mask="dead"),
        case(en="causal, more queries than keys", zh="因果，查询多于键", **BATCH, q_len=6, kv_len=4, head_dim=4, v_dim=3, is_causal=True),
        case(en="129 keys", zh="129 个键", batch=1, heads=2, q_len=3, kv_len=129, head_dim=8, v_dim=4, reduction=129),
        case(en="very large scores", zh="很大的分数", batch=1, heads=2, q_len=5, kv_len=6, head_dim=8, v_dim=4, size=300.0),
        case(en="very large scores, one key allowed", zh="很大的分数，只允许一个键", **BATCH, q_len=6, kv_len=6, head_dim=8, v_dim=4, size=300.0, mask="itself"),
        case(en="bfloat16", zh="bfloat16", **BATCH, q_len=5, kv_len=17, head_dim=64, v_dim=8, shift=16.0, grid=True, dtype="bfloat16", factor=2.5),
        case(en="float16, scores beyond its range", zh="float16，分数超出其范围", **BATCH, q_len=5, kv_len=7, head_dim=64, v_dim=8, size=60.0, grid=True, dtype="float16", factor=2.5),
        case(en="float16, queries that may attend to nothing", zh="float16，没有可注意位置的查询", **BATCH, q_len=4, kv_len=5, head_dim=8, v_dim=4, mask="dead", grid=True, dtype="float16", factor=2.5),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, heads, q_len, kv_len, head_dim, v_dim, size=1.0, grid=False, mask=None, **given):
        inputs = {
            "q": rng.normal((batch, heads, q_len, head_dim)) * size,
            "k": rng.normal((batch, heads, kv_len, head_dim)) * size,
            "v": rng.normal((batch, heads, kv_len, v_dim)),
        }
        if grid:  # exact in half precision, and so are the products in float32
            step = 1.0 if size > 10 else 0.125
            inputs = {name: (tensor / step).round() * step for name, tensor in inputs.items()}
        if "shift" in given:  # all scores large, and close to each other
            inputs["q"][..., 0] = inputs["k"][..., 0] = given["shift"]
        if "is_causal" in given:
            inputs["is_causal"] = given["is_causal"]
        if "factor_of_scores" in given:
            inputs["scale"] = given["factor_of_scores"]
        if mask is not None:
            inputs["mask"] = self.mask(rng, mask, batch, heads, q_len, kv_len)
        return inputs

    def mask(self, rng, mask, batch, heads, q_len, kv_len):
        allowed = rng.bernoulli((batch, 1, q_len, kv_len), 0.6)
        match mask:
            case "keys":  # row b lacks its first b keys
                return (torch.arange(kv_len) >= torch.arange(batch)[:, None])[:, None, None, :]
            case "two dimensions":
                allowed = allowed[0, 0]
            case "heads":
                allowed = rng.bernoulli((1, heads, q_len, kv_len), 0.6)
            case "itself":
                return torch.eye(q_len, kv_len, dtype=torch.bool)
            case "dead":
                allowed[:, :, 1] = False
                return allowed
        allowed[..., 0] = True  # never an empty row
        return allowed

    @check("gradients")
    @title(en="gradients past queries without keys", zh="存在没有键的查询时的梯度")
    def test_gradients_of_empty_queries(self, attempt, reference, rng):
        sizes = {"q_len": 4, "kv_len": 5, "head_dim": 8, "v_dim": 3}
        inputs = self.inputs(rng, batch=2, heads=2, **sizes, mask="dead")
        cotangent = {0: rng.normal((2, 2, 4, 3))}
        _, found = attempt.vjp(attempt[self.entry], inputs, self.gradients, cotangent)
        _, truth = reference.vjp(reference[self.entry], inputs, self.gradients, cotangent)
        for name in self.gradients:
            assert_close(
                found[name].flatten(),
                truth[name].flatten(),
                en=f"query 1 may attend to nothing: the gradient of {name} must be finite and right all the same",
                zh=f"查询 1 没有可注意的位置，{name} 的梯度仍须有限且正确",
                reduction=1024,  # 64 roundoffs
            )

    @check("cost")
    @title(en="no loop in Python", zh="没有 Python 循环")
    def test_no_loop(self, attempt, rng):
        small, large = (
            self.inputs(rng, batch=b, heads=b, q_len=n, kv_len=n, head_dim=4, v_dim=4, mask="random", is_causal=True)
            for b, n in ((1, 2), (3, 16))
        )
        assert_growth(
            attempt.profile(self.entry, **small),
            attempt.profile(self.entry, **large),
            "operations",
            at_most=1.5,
            en="From batch 1, 1 head, 2 queries to batch 3, 3 heads, 16 queries the number of torch calls grows: "
            "there is a Python loop. A matmul takes all of them at once.",
            zh="从 batch 1、1 个头、2 个查询到 batch 3、3 个头、16 个查询，torch 调用次数增加了："
            "存在 Python 循环。矩阵乘法可以一次处理全部。",
        )

    @check("cost")
    @title(en="computed in torch", zh="用 torch 计算")
    def test_enough_flops(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=1, heads=2, q_len=16, kv_len=16, head_dim=16, v_dim=16)
        assert_enough_flops(attempt.profile(self.entry, **inputs), reference.profile(self.entry, **inputs))
