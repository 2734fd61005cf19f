"""Grader of grouped-query attention."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, assert_growth, case, check, fail, title


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
        case(en="not causal", zh="非因果", batch=2, seq_len=8, heads=4, kv_heads=2, head_dim=8, is_causal=False),
        case(en="right padding, causal", zh="右填充且因果", batch=3, seq_len=9, heads=6, kv_heads=3, head_dim=4, mask="padding", is_causal=True),
        case(en="any mask, not causal", zh="任意掩码，非因果", batch=2, seq_len=3, heads=4, kv_heads=2, head_dim=4, mask="random", is_causal=False),
        case(en="one mask for the whole batch", zh="整个 batch 共用一个掩码", batch=3, seq_len=5, heads=4, kv_heads=2, head_dim=4, mask="shared"),
    ]  # fmt: skip
    edges = [
        case(en="one token", zh="只有一个 token", batch=2, seq_len=1, heads=4, kv_heads=2, head_dim=4),
        case(en="head_dim 1", zh="head_dim 为 1", batch=1, seq_len=4, heads=2, kv_heads=1, head_dim=1),
        case(en="129 tokens", zh="129 个 token", batch=1, seq_len=129, heads=4, kv_heads=2, head_dim=4, reduction=129),
        case(en="queries that may attend to nothing", zh="没有可注意位置的查询", batch=2, seq_len=5, heads=4, kv_heads=2, head_dim=4, mask="dead", bias=True),
        case(en="left padding, causal", zh="左填充且因果", batch=3, seq_len=7, heads=6, kv_heads=3, head_dim=4, mask="left padding"),
        case(en="very large inputs, only itself allowed", zh="很大的输入，只能注意自身", batch=4, seq_len=6, heads=4, kv_heads=2, head_dim=8, scale=300.0, mask="itself"),
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
            case "itself":
                inputs["mask"] = torch.eye(seq_len, dtype=torch.bool).expand(batch, 1, seq_len, seq_len).clone()
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

    @title(en="a call does not depend on the one before", zh="每次调用与前一次无关")
    def test_no_state(self, attempt, reference, rng):
        x = rng.normal((2, 11, 16))
        for is_causal in (True, False, True):
            layer, right = (self.build(impl, heads=4, kv_heads=2, head_dim=4) for impl in (attempt, reference))
            assert_close(
                layer(x=x, is_causal=is_causal),
                right(x=x, is_causal=is_causal),
                en=f"layers are called in turn with is_causal=True, False, True; wrong with {is_causal}",
                zh=f"依次以 is_causal=True、False、True 调用各层；{is_causal} 时结果错误",
                reduction=1024,  # 64 roundoffs: honest answers were measured at 12
            )

    @check("gradients")
    @title(en="gradients past queries without keys", zh="存在没有键的查询时的梯度")
    def test_gradients_of_empty_queries(self, attempt, reference, rng):
        config = {"heads": 4, "kv_heads": 2, "head_dim": 4}
        inputs = self.inputs(rng, batch=2, seq_len=5, mask="dead", **config)
        cotangent = {0: rng.normal(inputs["x"].shape)}
        layer, right = (self.build(impl, **config) for impl in (attempt, reference))
        _, found = layer.vjp(inputs, self.gradients, cotangent)
        _, truth = right.vjp(inputs, self.gradients, cotangent)
        for name in sorted(truth):
            assert_close(
                found[name].flatten(),
                truth[name].flatten(),
                en=f"query 2 may attend to nothing: the gradient of {name} must be finite and right all the same",
                zh=f"查询 2 没有可注意的位置，{name} 的梯度仍须有限且正确",
                reduction=1024,  # 64 roundoffs: honest answers were measured at 14
            )

    @check("cost")
    @title(en="as many FLOPs whatever the groups", zh="FLOPs 与组数无关")
    def test_flops(self, attempt, rng):
        x = rng.normal((1, 64, 32))
        one, eight = (self.build(attempt, heads=8, kv_heads=groups, head_dim=4).profile(x=x) for groups in (1, 8))
        assert_growth(
            one,
            eight,
            "work",
            at_most=2,
            en="From 1 to 8 key/value heads your FLOPs grow: queries meet the keys or values of other groups.",
            zh="键值头从 1 个变为 8 个时，你的 FLOPs 增加了：查询与别组的键或值也做了乘法。",
        )

    @check("cost")
    @title(en="no key is copied", zh="不复制任何键")
    def test_no_key_is_copied(self, attempt, rng):
        layer = self.build(attempt, heads=8, kv_heads=1, head_dim=16)
        cost = layer.profile(x=rng.normal((2, 24, 128)))
        if cost.expanded_bytes == 128 * 128 * 4:  # 16 · 128 weights for each of 8 heads
            fail(
                en=f"The weights of k_proj or v_proj are copied once per query head ({cost.expanded_by}), so that H heads of "
                "keys or values are computed. Project to G heads and fold the group into the queries.",
                zh=f"k_proj 或 v_proj 的权重按查询头数被复制了（{cost.expanded_by}），于是算出了 H 个头的键或值。"
                "应只投影出 G 个头，把组折叠到查询一侧。",
            )
        if cost.expanded_bytes:
            fail(
                en=f"A copy made {cost.expanded_bytes} bytes out of {cost.expanded_from} ({cost.expanded_by}): keys or values "
                "are copied once per query head. A matmul that broadcasts copies too; fold the group into the queries.",
                zh=f"一次拷贝把 {cost.expanded_from} 字节变成了 {cost.expanded_bytes} 字节（{cost.expanded_by}）："
                "键或值按查询头数被复制了。会广播的 matmul 也要先拷贝；应把组折叠到查询一侧。",
            )
