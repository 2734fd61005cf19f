"""Grader of multi-head latent attention."""

import torch

from thinkllm_drill.grading import (
    ModuleSuite,
    assert_close,
    assert_enough_flops,
    assert_growth,
    case,
    check,
    title,
)

SIZES = {"batch": 2, "heads": 3, "q_rank": 10, "kv_rank": 7, "nope": 5, "rope": 4, "v_dim": 6}


class TestMultiHeadLatentAttention(ModuleSuite):
    entry = "MultiHeadLatentAttention"
    gradients = ("x", "past", "parameters")
    outputs = ("out", "cache")
    intermediates = ("q_nope", "q_pe", "k_nope", "v", "weights")
    cases = [
        case(en="a prompt", zh="prefill", **SIZES, seq_len=5),
        case(en="three new tokens after four", zh="4 个历史 token，3 个新 token", **SIZES, seq_len=3, past_len=4),
        case(en="any mask", zh="任意掩码", **SIZES, seq_len=3, past_len=2, mask="any"),
        case(en="one decoding step", zh="解码单步", **SIZES, seq_len=1, past_len=6),
        case(en="all sizes alike", zh="各维大小相同", batch=4, heads=4, q_rank=4, kv_rank=4, nope=4, rope=4, v_dim=4, seq_len=4, d_model=4),
        case(en="one row of angles for the batch", zh="整个 batch 共用一组角度", **SIZES, seq_len=4, shared=True),
        case(en="left padding", zh="左填充", batch=3, heads=2, q_rank=6, kv_rank=8, nope=4, rope=6, v_dim=3, seq_len=2, past_len=5, mask="left padding"),
        case(en="one mask for the batch", zh="整个 batch 共用一个掩码", **SIZES, seq_len=4, past_len=3, mask="shared"),
    ]  # fmt: skip
    edges = [
        case(en="one token, no past", zh="只有一个 token，没有历史", **SIZES, seq_len=1),
        case(en="two rotary features", zh="只有两个旋转维度", batch=2, heads=2, q_rank=5, kv_rank=3, nope=4, rope=2, v_dim=4, seq_len=4),
        case(en="queries that may attend to nothing", zh="没有可关注位置的查询", **SIZES, seq_len=3, past_len=2, mask="dead"),
        case(en="small inputs, beside the norms' eps", zh="很小的输入，与归一化的 eps 相当", **SIZES, seq_len=4, size=1e-3),
        case(en="128 tokens of the past", zh="128 个历史 token", batch=1, heads=2, q_rank=5, kv_rank=6, nope=4, rope=2, v_dim=3, seq_len=1, past_len=128, reduction=129),
        case(en="a past of large latents", zh="历史的潜在向量很大", **SIZES, seq_len=3, past_len=4, past_size=3e4),
        case(en="a past of large latents, one token of it allowed", zh="历史的潜在向量很大，只允许其中一个 token", **SIZES, seq_len=3, past_len=3, past_size=3e4, mask="one"),
    ]  # fmt: skip

    def config(self, *, heads, q_rank, kv_rank, nope, rope, v_dim, d_model=12, **_):
        ranks = {"q_lora_rank": q_rank, "kv_lora_rank": kv_rank}
        dims = {"qk_nope_head_dim": nope, "qk_rope_head_dim": rope, "v_head_dim": v_dim}
        return {"d_model": d_model, "num_heads": heads, **ranks, **dims}

    def inputs(self, rng, *, batch, kv_rank, rope, seq_len, d_model=12, past_len=0, mask=None, size=1.0, **given):
        half = rng.uniform((1 if given.get("shared") else batch, seq_len, rope // 2), low=-3.0, high=3.0)
        angle = torch.cat((half, half), dim=-1)
        inputs = {"x": rng.normal((batch, seq_len, d_model)) * size, "cos": angle.cos(), "sin": angle.sin()}
        if past_len:
            past_size = given.get("past_size", 1.0)
            inputs["past"] = tuple(rng.normal((batch, past_len, width)) * past_size for width in (kv_rank, rope))
        if mask is not None:
            inputs["mask"] = self.mask(rng, mask, batch, seq_len, past_len + seq_len)
        return inputs

    def mask(self, rng, mask, batch, seq_len, kv_len):
        match mask:
            case "left padding":  # row b has b padded tokens
                return (torch.arange(kv_len) >= torch.arange(batch)[:, None])[:, None, None, :]
            case "one":  # new token t sees token t of the past
                return torch.eye(seq_len, kv_len, dtype=torch.bool).expand(batch, 1, seq_len, kv_len).clone()
        allowed = rng.bernoulli((1 if mask == "shared" else batch, 1, seq_len, kv_len), 0.6)
        if mask == "dead":
            allowed[:, :, 1] = False
        else:
            allowed[..., 0] = True  # never an empty row
        return allowed

    def valid(self, *, rope, **sizes):
        sizes.pop("past_len", None)
        return rope > 1 and rope % 2 == 0 and all(size > 0 for size in sizes.values() if type(size) is int)

    @title(en="a token at a time gives the same as all at once", zh="逐个 token 计算与一次算完结果相同")
    def test_decoding(self, attempt, reference, rng):
        inputs = self.inputs(rng, **SIZES, seq_len=6)
        layer, right = (self.build(impl, **SIZES) for impl in (attempt, reference))
        whole, _ = right(**inputs)
        more, start = {}, 0
        for length in (2, 1, 3):
            new = slice(start, start + length)
            out, past = layer(**{name: tensor[:, new] for name, tensor in inputs.items()}, **more)
            assert_close(
                out,
                whole[:, new],
                en=f"6 tokens in calls of 2, 1 and 3, each with the cache of the one before: tokens {start} to "
                f"{start + length - 1} differ from those of a single call",
                zh=f"6 个 token 分 2、1、3 三次调用，每次传入前一次的缓存：token {start} 到 {start + length - 1} 与一次调用的结果不同",
                reduction=1024,  # 64 roundoffs
            )
            more, start = {"past": past}, start + length

    @title(en="a call does not depend on the one before", zh="每次调用与前一次无关")
    def test_no_state(self, attempt, reference, rng):
        layer, right = (self.build(impl, **SIZES) for impl in (attempt, reference))
        for _ in range(2):
            inputs = self.inputs(rng, **SIZES, seq_len=3)
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
        inputs = self.inputs(rng, **SIZES, seq_len=3, past_len=2, mask="dead")
        cotangent = {0: rng.normal(inputs["x"].shape)}
        layer, right = (self.build(impl, **SIZES) for impl in (attempt, reference))
        _, found = layer.vjp(inputs, self.gradients, cotangent)
        _, truth = right.vjp(inputs, self.gradients, cotangent)
        for name in sorted(truth):
            assert_close(
                found[name].flatten(),
                truth[name].flatten(),
                en=f"query 1 may attend to nothing: the gradient of {name} must be finite and right all the same",
                zh=f"查询 1 没有可关注的位置，{name} 的梯度仍须有限且正确",
                reduction=1024,  # 64 roundoffs
            )

    @check("cost")
    @title(en="no loop in Python", zh="没有 Python 循环")
    def test_no_loop(self, attempt, rng):
        costs = []
        for many, length in ((1, 2), (16, 8)):
            sizes = {**SIZES, "batch": many, "heads": many}
            inputs = self.inputs(rng, **sizes, seq_len=length, past_len=2, mask="any")
            costs.append(self.build(attempt, **sizes).profile(**inputs))
        assert_growth(
            *costs,
            "operations",
            at_most=1.5,
            en="From batch 1, 1 head, 2 tokens to batch 16, 16 heads, 8 tokens the number of torch calls grows: "
            "there is a Python loop. Give the heads an axis of their own.",
            zh="从 batch 1、1 个头、2 个 token 到 batch 16、16 个头、8 个 token，torch 调用次数增加了："
            "存在 Python 循环。应让头单独占一个轴。",
        )

    @check("cost")
    @title(en="computed in torch", zh="用 torch 计算")
    def test_enough_flops(self, attempt, reference, rng):
        inputs = self.inputs(rng, **SIZES, seq_len=8, past_len=4)
        layer, right = (self.build(impl, **SIZES) for impl in (attempt, reference))
        assert_enough_flops(layer.profile(**inputs), right.profile(**inputs))
