"""Grader of multi-query attention with a cache."""

import torch

from thinkllm_drill.grading import (
    ModuleSuite,
    assert_close,
    assert_enough_flops,
    assert_growth,
    case,
    check,
    fail,
    title,
)

HEADS = {"batch": 2, "heads": 3, "head_dim": 4}


class TestMultiQueryAttention(ModuleSuite):
    """Gradients are graded without bias: that of k_proj has no effect, and the rounding around a 0 is no measure."""

    entry = "MultiQueryAttention"
    gradients = ("x", "past_kv", "parameters")
    outputs = ("out", "kv")
    intermediates = ("scores", "weights")
    cases = [
        case(en="a prompt", zh="prefill", **HEADS, seq_len=5),
        case(en="three new tokens after four", zh="4 个历史 token，3 个新 token", **HEADS, seq_len=3, past_len=4),
        case(en="any mask", zh="任意掩码", **HEADS, seq_len=3, past_len=2, mask="any"),
        case(en="one decoding step", zh="解码单步", **HEADS, seq_len=1, past_len=6),
        case(en="as many heads as tokens", zh="头数等于 token 数", batch=4, heads=4, head_dim=4, seq_len=4),
        case(en="left padding", zh="左填充", batch=3, heads=2, head_dim=6, seq_len=2, past_len=5, mask="left padding"),
        case(en="one mask for the batch", zh="整个 batch 共用一个掩码", **HEADS, seq_len=4, past_len=3, mask="shared"),
        case(en="with bias", zh="带 bias", **HEADS, seq_len=3, past_len=2, bias=True),
    ]  # fmt: skip
    edges = [
        case(en="one token, no past", zh="只有一个 token，没有历史", **HEADS, seq_len=1),
        case(en="one head", zh="只有一个头", batch=2, heads=1, head_dim=6, seq_len=3, past_len=2),
        case(en="head_dim 1", zh="head_dim 为 1", batch=2, heads=5, head_dim=1, seq_len=3, past_len=2),
        case(en="128 tokens of the past", zh="128 个历史 token", batch=1, heads=2, head_dim=4, seq_len=1, past_len=128, reduction=129),
        case(en="queries that may attend to nothing, with bias", zh="没有可注意位置的查询，带 bias", **HEADS, seq_len=3, past_len=2, mask="dead", bias=True),
        case(en="very large inputs", zh="很大的输入", batch=1, heads=2, head_dim=8, seq_len=5, size=300.0),
        case(en="very large inputs, only itself allowed", zh="很大的输入，只能注意自身", batch=3, heads=2, head_dim=8, seq_len=6, size=300.0, mask="itself"),
    ]  # fmt: skip

    def config(self, *, heads, head_dim, bias=False, **_):
        return {"d_model": heads * head_dim, "num_heads": heads, "bias": bias}

    def inputs(self, rng, *, batch, heads, head_dim, seq_len, past_len=0, mask=None, size=1.0, **_):
        inputs = {"x": rng.normal((batch, seq_len, heads * head_dim)) * size}
        if past_len:
            inputs["past_kv"] = tuple(rng.normal((batch, 1, past_len, head_dim)) for _ in range(2))
        kv_len = past_len + seq_len
        if mask is not None:
            inputs["mask"] = self.mask(rng, mask, batch, seq_len, kv_len)
        return inputs

    def mask(self, rng, mask, batch, seq_len, kv_len):
        match mask:
            case "left padding":  # row b has b padded tokens
                return (torch.arange(kv_len) >= torch.arange(batch)[:, None])[:, None, None, :]
            case "itself":
                return torch.eye(seq_len, kv_len, dtype=torch.bool).expand(batch, 1, seq_len, kv_len).clone()
        allowed = rng.bernoulli((1 if mask == "shared" else batch, 1, seq_len, kv_len), 0.6)
        if mask == "dead":
            allowed[:, :, 1] = False
        else:
            allowed[..., 0] = True  # never an empty row
        return allowed

    @title(en="a token at a time gives the same as all at once", zh="逐个 token 计算与一次算完结果相同")
    def test_decoding(self, attempt, reference, rng):
        x = rng.normal((2, 6, 12))
        layer, right = (self.build(impl, heads=3, head_dim=4) for impl in (attempt, reference))
        whole, _ = right(x=x)
        past, start = None, 0
        for length in (2, 1, 3):
            out, past = (
                layer(x=x[:, start : start + length])
                if past is None
                else layer(x=x[:, start : start + length], past_kv=past)
            )
            assert_close(
                out,
                whole[:, start : start + length],
                en=f"6 tokens in calls of 2, 1 and 3, each with the kv of the one before: tokens {start} to {start + length - 1} "
                "differ from those of a single call",
                zh=f"6 个 token 分 2、1、3 三次调用，每次传入前一次的 kv：token {start} 到 {start + length - 1} 与一次调用的结果不同",
                reduction=1024,  # 64 roundoffs
            )
            start += length

    @title(en="a call does not depend on the one before", zh="每次调用与前一次无关")
    def test_no_state(self, attempt, reference, rng):
        layer, right = (self.build(impl, heads=3, head_dim=4) for impl in (attempt, reference))
        for _ in range(2):
            inputs = self.inputs(rng, **HEADS, seq_len=3)
            assert_close(
                layer(**inputs)[0],
                right(**inputs)[0],
                en="one layer is called twice with different inputs and no past: a result is not that of its own inputs",
                zh="同一层用不同的输入调用两次，都没有历史：有结果不是由它自己的输入得到的",
                reduction=1024,  # 64 roundoffs
            )

    @check("gradients")
    @title(en="gradients past queries without keys", zh="存在没有键的查询时的梯度")
    def test_gradients_of_empty_queries(self, attempt, reference, rng):
        config = {"heads": 2, "head_dim": 4}
        inputs = self.inputs(rng, batch=2, seq_len=3, past_len=2, mask="dead", **config)
        cotangent = {0: rng.normal(inputs["x"].shape)}
        layer, right = (self.build(impl, **config) for impl in (attempt, reference))
        _, found = layer.vjp(inputs, self.gradients, cotangent)
        _, truth = right.vjp(inputs, self.gradients, cotangent)
        for name in sorted(truth):
            assert_close(
                found[name].flatten(),
                truth[name].flatten(),
                en=f"query 1 may attend to nothing: the gradient of {name} must be finite and right all the same",
                zh=f"查询 1 没有可注意的位置，{name} 的梯度仍须有限且正确",
                reduction=1024,  # 64 roundoffs
            )

    @check("cost")
    @title(en="no key is copied", zh="不复制任何键")
    def test_no_key_is_copied(self, attempt, rng):
        layer = self.build(attempt, heads=8, head_dim=8)
        for sizes in ({"seq_len": 12}, {"seq_len": 1, "past_len": 40}):
            cost = layer.profile(**self.inputs(rng, batch=2, heads=8, head_dim=8, **sizes))
            if cost.expanded_bytes:
                fail(
                    en=f"A copy made {cost.expanded_bytes} bytes out of {cost.expanded_from} ({cost.expanded_by}): keys, values "
                    "or their weights are copied once per query head. A matmul that broadcasts copies too; fold the heads "
                    "into the rows.",
                    zh=f"一次拷贝把 {cost.expanded_from} 字节变成了 {cost.expanded_bytes} 字节（{cost.expanded_by}）："
                    "键、值或它们的权重按查询头数被复制了。会广播的 matmul 也要先拷贝；应把头并入行。",
                )

    @check("cost")
    @title(en="no loop in Python", zh="没有 Python 循环")
    def test_no_loop(self, attempt, rng):
        costs = []
        for batch, heads, length in ((1, 1, 2), (3, 4, 16)):
            layer = self.build(attempt, heads=heads, head_dim=4)
            inputs = self.inputs(rng, batch=batch, heads=heads, head_dim=4, seq_len=length, past_len=2, mask="any")
            costs.append(layer.profile(**inputs))
        assert_growth(
            *costs,
            "operations",
            at_most=1.5,
            en="From batch 1, 1 head, 2 tokens to batch 3, 4 heads, 16 tokens the number of torch calls grows: "
            "there is a Python loop. All heads can go into one product.",
            zh="从 batch 1、1 个头、2 个 token 到 batch 3、4 个头、16 个 token，torch 调用次数增加了："
            "存在 Python 循环。所有头可以放进同一次乘法。",
        )

    @check("cost")
    @title(en="computed in torch", zh="用 torch 计算")
    def test_enough_flops(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=1, heads=4, head_dim=8, seq_len=8, past_len=8)
        layer, right = (self.build(impl, heads=4, head_dim=8) for impl in (attempt, reference))
        assert_enough_flops(layer.profile(**inputs), right.profile(**inputs))
