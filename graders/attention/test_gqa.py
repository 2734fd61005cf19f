"""Grader of grouped-query attention."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, case, check, fail, title


class TestGroupedQueryAttention(ModuleSuite):
    entry = "GroupedQueryAttention"
    gradients = ("x", "parameters")
    intermediates = ("q", "k", "v", "weights")
    cases = [
        case(en="two query heads a group", zh="每组两个查询头", batch=2, seq_len=5, heads=4, kv_heads=2, head_dim=8),
        case(en="one group is MQA", zh="只有一组即 MQA", batch=1, seq_len=4, heads=4, kv_heads=1, head_dim=8),
        case(en="as many groups as heads is MHA", zh="组数等于头数即 MHA", batch=2, seq_len=7, heads=4, kv_heads=4, head_dim=8),
        case(en="three query heads a group", zh="每组三个查询头", batch=2, seq_len=6, heads=6, kv_heads=2, head_dim=4),
        case(en="head_dim is not d_model / heads", zh="head_dim 不等于 d_model / heads", batch=2, seq_len=5, heads=4, kv_heads=2, head_dim=6, d_model=10),
        case(en="with bias", zh="带 bias", batch=1, seq_len=5, heads=4, kv_heads=2, head_dim=4, bias=True),
        case(en="not causal", zh="非因果", batch=2, seq_len=5, heads=4, kv_heads=2, head_dim=8, is_causal=False),
        case(en="right padding, causal", zh="右填充且因果", batch=3, seq_len=9, heads=6, kv_heads=3, head_dim=4, mask="padding"),
        case(en="any mask, not causal", zh="任意掩码，非因果", batch=2, seq_len=6, heads=4, kv_heads=2, head_dim=4, mask="random", is_causal=False),
        case(en="one mask for the whole batch", zh="整个 batch 共用一个掩码", batch=3, seq_len=5, heads=4, kv_heads=2, head_dim=4, mask="shared"),
    ]  # fmt: skip
    edges = [
        case(en="one token", zh="只有一个 token", batch=2, seq_len=1, heads=4, kv_heads=2, head_dim=4),
        case(en="head_dim 1", zh="head_dim 为 1", batch=1, seq_len=4, heads=2, kv_heads=1, head_dim=1),
        case(en="129 tokens", zh="129 个 token", batch=1, seq_len=129, heads=4, kv_heads=2, head_dim=4, reduction=129),
        case(en="queries that may attend to nothing", zh="没有可注意位置的查询", batch=2, seq_len=5, heads=4, kv_heads=2, head_dim=4, mask="dead"),
        case(en="left padding, causal", zh="左填充且因果", batch=3, seq_len=7, heads=6, kv_heads=3, head_dim=4, mask="left padding"),
        case(en="very large inputs", zh="很大的输入", batch=1, seq_len=6, heads=4, kv_heads=2, head_dim=8, scale=300.0),
    ]  # fmt: skip

    def config(self, *, heads, kv_heads, head_dim, d_model=None, bias=False, **_):
        if d_model is None:
            d_model, head_dim = heads * head_dim, None
        return {"d_model": d_model, "num_heads": heads, "num_kv_heads": kv_heads, "head_dim": head_dim, "bias": bias}

    def inputs(self, rng, *, batch, seq_len, heads, head_dim, d_model=None, mask=None, is_causal=None, scale=1.0, **_):
        inputs = {"x": rng.normal((batch, seq_len, d_model or heads * head_dim)) * scale}
        if is_causal is not None:
            inputs["is_causal"] = is_causal
        match mask:
            case "padding" | "left padding":  # row b has b padded tokens, which nothing may attend to
                position, padded = torch.arange(seq_len), torch.arange(batch)[:, None]
                real = position < seq_len - padded if mask == "padding" else position >= padded
                inputs["mask"] = real[:, None, None, :].expand(batch, 1, seq_len, seq_len).clone()
            case "random" | "shared":
                rows = 1 if mask == "shared" else batch
                inputs["mask"] = rng.bernoulli((rows, 1, seq_len, seq_len), 0.6) | torch.eye(seq_len, dtype=torch.bool)
            case "dead":
                allowed = rng.bernoulli((batch, 1, seq_len, seq_len), 0.6)
                allowed[:, :, 2] = False
                inputs["mask"] = allowed
        return inputs

    @title(en="a token does not see later ones", zh="看不到后面的 token")
    def test_causality(self, attempt, rng):
        layer = self.build(attempt, heads=4, kv_heads=2, head_dim=4)
        x = rng.normal((1, 6, 16))
        changed = x.clone()
        changed[:, 4:] += 1.0
        assert_close(
            layer(x=changed)[:, :4],
            layer(x=x)[:, :4],
            en="changing tokens 4 and 5 must not change the outputs of tokens 0 to 3",
            zh="改动 token 4 和 5 不应影响 token 0 到 3 的输出",
        )

    @check("cost")
    @title(en="no key is copied", zh="不复制任何键")
    def test_no_key_is_copied(self, attempt, rng):
        layer = self.build(attempt, heads=8, kv_heads=1, head_dim=16)
        cost = layer.profile(x=rng.normal((2, 24, 128)))
        if cost.expanded_bytes:
            fail(
                en=f"A copy made {cost.expanded_bytes} bytes out of {cost.expanded_from} ({cost.expanded_by}): keys or values "
                "are copied once per query head. A matmul that broadcasts copies too; fold the group into the queries.",
                zh=f"一次拷贝把 {cost.expanded_from} 字节变成了 {cost.expanded_bytes} 字节（{cost.expanded_by}）："
                "键或值按查询头数被复制了。会广播的 matmul 也要先拷贝；应把组折叠到查询一侧。",
            )
