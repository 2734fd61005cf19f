"""Grader of the decoder-only Transformer in the structure of Llama."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, assert_growth, case, check, title
from thinkllm_drill.judge.wire import Record

LOSS_GRADIENTS = """def gradients(model, inputs):
    model.zero_grad()
    model.loss(**inputs).backward()
    return {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}
"""
SIZES = {"heads": 4, "kv_heads": 2, "head_dim": 4, "layers": 1}
VOCAB = 11


class TestLlamaLM(ModuleSuite):
    entry = "LlamaLM"
    gradients = ("parameters",)
    differentiable = (0,)
    outputs = ("logits", "cache")
    layouts = False
    cases = [
        case(en="one layer", zh="一层", batch=2, new=4, heads=4, kv_heads=2, head_dim=4, layers=1, reduction=1024),
        case(en="left padding", zh="左填充", batch=3, new=5, heads=2, kv_heads=2, head_dim=4, layers=1, padding="left", reduction=1024),
        case(en="head_dim is not hidden_size / heads", zh="head_dim 不等于 hidden_size / heads", batch=2, new=5, heads=6, kv_heads=2, head_dim=2, hidden=10, layers=1, reduction=1024),
        case(en="one key/value head, theta and eps of its own", zh="一个键值头，另设 theta 与 eps", batch=1, new=6, heads=3, kv_heads=1, head_dim=4, layers=1, theta=50.0, eps=0.3, reduction=1024),
        case(en="two layers, right padding", zh="两层，右填充", batch=3, new=5, heads=4, kv_heads=2, head_dim=4, layers=2, padding="right", reduction=1024),
        case(en="one token after a cache", zh="缓存之后一个 token", batch=2, new=1, cached=4, heads=4, kv_heads=2, head_dim=4, layers=2, reduction=1024),
        case(en="three tokens after a cache", zh="缓存之后三个 token", batch=2, new=3, cached=4, heads=4, kv_heads=2, head_dim=4, layers=1, reduction=1024),
        case(en="a cache with left padding", zh="缓存带左填充", batch=3, new=2, cached=4, heads=4, kv_heads=2, head_dim=4, layers=1, padding="left", reduction=1024),
        case(en="loss", zh="loss", batch=2, new=5, heads=4, kv_heads=2, head_dim=4, layers=1, method="loss", labels="all", reduction=1024),
        case(en="loss: labels left out, left padding", zh="loss：部分标签略去，左填充", batch=3, new=6, heads=4, kv_heads=2, head_dim=4, layers=1, padding="left", method="loss", labels="some", reduction=1024),
    ]  # fmt: skip
    edges = [
        case(en="one token", zh="只有一个 token", batch=2, new=1, heads=4, kv_heads=2, head_dim=4, layers=1, reduction=1024),
        case(en="as many tokens as heads", zh="token 数等于头数", batch=4, new=4, heads=4, kv_heads=4, head_dim=4, layers=1, reduction=1024),
        case(en="33 tokens", zh="33 个 token", batch=1, new=33, heads=4, kv_heads=2, head_dim=4, layers=1, reduction=4096),
        case(en="loss: right padding", zh="loss：右填充", batch=3, new=6, heads=4, kv_heads=2, head_dim=4, layers=1, padding="right", method="loss", labels="some", reduction=1024),
    ]  # fmt: skip

    def config(self, *, heads, kv_heads, head_dim, layers, hidden=None, theta=10000.0, eps=1e-5, **_):
        sizes = {
            "vocab_size": VOCAB,
            "hidden_size": hidden or heads * head_dim,
            "intermediate_size": 14,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": kv_heads,
            "head_dim": head_dim,
        }
        return {"config": Record("LlamaConfig", sizes | {"rms_norm_eps": eps, "rope_theta": theta})}

    def inputs(self, rng, *, batch, new, kv_heads, head_dim, layers, cached=0, padding=None, labels=None, **_):
        inputs = {"input_ids": rng.integers(0, VOCAB, (batch, new))}
        length, row = cached + new, torch.arange(batch)[:, None]
        if padding:  # row b has b padded tokens, as far as one real token is left
            padded, position = row.clamp(max=length - 1), torch.arange(length)
            inputs["attention_mask"] = position >= padded if padding == "left" else position < length - padded
        if cached:
            shape = batch, kv_heads, cached, head_dim
            inputs["cache"] = [(rng.normal(shape), rng.normal(shape)) for _ in range(layers)]
        if labels:
            some = rng.normal((batch, new - 1)).argsort(-1) < (row + 1) % (new - 1)  # as many in no two rows
            left_out = torch.cat((rng.bernoulli((batch, 1), 0.5), some), dim=1)
            known = inputs["input_ids"] if labels == "some" else rng.integers(0, VOCAB, (batch, new))
            inputs["labels"] = known.masked_fill(left_out, -100) if labels == "some" else known
        return inputs

    def valid(self, *, batch, new, heads, kv_heads, head_dim, layers, cached=0, labels=None, **_):
        enough = min(batch, kv_heads, layers, new - 1 if labels else new) >= 1 and cached >= 0
        return enough and heads % kv_heads == 0 and heads >= kv_heads and head_dim >= 2 and head_dim % 2 == 0

    def scenario(self, impl, rng, probe):
        params = probe.case.params
        model = self.build(impl, rng=rng, dtype=probe.case.dtype, **params)
        inputs = self.inputs(rng, **params)
        if params.get("method") == "loss":
            yield "loss", model.loss(**inputs)
        else:
            yield "", model(**inputs)

    @title(en="token by token, the cache gives what one call gives", zh="逐个 token 用缓存，与一次算完一致")
    def test_decoding(self, attempt, rng):
        model = self.build(attempt, **SIZES)
        ids = rng.integers(0, VOCAB, (2, 6))
        real = torch.ones(2, 6, dtype=torch.bool)
        real[1, :2] = False
        whole, _ = model(input_ids=ids, attention_mask=real)
        cache, parts = None, []
        for start, end in ((0, 3), (3, 4), (4, 6)):
            logits, cache = model(input_ids=ids[:, start:end], attention_mask=real[:, :end], cache=cache)
            parts.append(logits)
        assert_close(
            torch.cat(parts, dim=1)[:, 2:],
            whole[:, 2:],
            en="tokens 0 to 2, then 3, then 4 and 5, each with the cache of the call before, must give the logits of "
            "one call with all six",
            zh="先算 token 0 到 2，再算 3，再算 4 和 5，每次带上前一次的缓存，得到的 logits 应与六个一次算完相同",
            reduction=4096,
        )

    @title(en="a token does not see later ones", zh="看不到后面的 token")
    def test_causality(self, attempt, rng):
        model = self.build(attempt, **SIZES)
        ids = rng.integers(0, VOCAB, (1, 6))
        changed = torch.cat((ids[:, :4], (ids[:, 4:] + 1) % VOCAB), dim=1)
        assert_close(
            model(input_ids=changed)[0][:, :4],
            model(input_ids=ids)[0][:, :4],
            en="changing tokens 4 and 5 must not change the logits at tokens 0 to 3",
            zh="改动 token 4 和 5 不应影响 token 0 到 3 处的 logits",
            reduction=1024,
        )

    @check("gradients")
    @title(en="gradients of the loss", zh="loss 的梯度")
    def test_gradients_of_loss(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=2, new=5, padding="left", labels="some", **SIZES)
        found, truth = (impl.local(LOSS_GRADIENTS)(self.build(impl, **SIZES), inputs) for impl in (attempt, reference))
        absent = {name: torch.zeros(truth[name].shape) for name, gradient in found.items() if gradient is None}
        assert_close(
            *(torch.cat([grads[name].flatten() for name in sorted(truth)]) for grads in (found | absent, truth)),
            en="after loss(…).backward() the gradients of the parameters, taken together, are not right",
            zh="loss(…).backward() 之后，各参数的梯度合在一起看不正确",
            reduction=4096,
        )

    @check("cost")
    @title(en="a step costs what its new tokens cost", zh="一步的代价只取决于新 token")
    def test_step(self, attempt, rng):
        costs = []
        for cached in (8, 32):
            inputs = self.inputs(rng, batch=1, new=1, cached=cached, **SIZES)
            costs.append(self.build(attempt, **SIZES).profile(**inputs))
        assert_growth(
            *costs,
            "flops",
            at_most=2.0,
            en="one token after 8 cached ones, then after 32: cached tokens go through projections or layers again",
            zh="缓存 8 个与 32 个 token 之后各算一个：缓存过的 token 又经过了投影或各层",
        )
