"""Grader of the encoder-decoder Transformer."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, assert_growth, case, check, title

LOSS_GRADIENTS = """def gradients(model, src, tgt):
    model.zero_grad()
    model.loss(src, tgt).backward()
    return {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}
"""
NEVER = -1
SIZES = {"heads": 2, "head_dim": 4, "layers": 2, "d_ff": 12}


class TestTransformer(ModuleSuite):
    entry = "Transformer"
    gradients = ("parameters",)
    layouts = False
    lively = False
    alike = False
    cases = [
        case(en="forward", zh="forward", batch=2, src_len=4, tgt_len=5, heads=2, head_dim=4, layers=1, d_ff=12, reduction=16384),
        case(en="forward: padding in source and target", zh="forward：源与目标都有填充", batch=3, src_len=5, tgt_len=6, heads=1, head_dim=6, layers=1, d_ff=10, padding="both", reduction=1024),
        case(en="forward: another pad_id", zh="forward：另一个 pad_id", batch=3, src_len=6, tgt_len=4, heads=3, head_dim=4, layers=1, d_ff=7, padding="both", pad_id=4, reduction=1024),
        case(en="forward: two layers", zh="forward：两层", batch=2, src_len=6, tgt_len=3, heads=2, head_dim=4, layers=2, d_ff=12, reduction=1000000),
        case(en="loss", zh="loss", method="loss", batch=3, src_len=4, tgt_len=6, heads=2, head_dim=4, layers=1, d_ff=12, padding="both", pad_id=2, reduction=1024),
        case(en="greedy: no row ends", zh="greedy：没有行结束", method="greedy", batch=4, src_len=4, tgt_len=6, heads=2, head_dim=4, layers=1, d_ff=12, padding="both", wanted="varied"),
        case(en="greedy: some rows end", zh="greedy：部分行结束", method="greedy", batch=6, src_len=4, tgt_len=6, heads=2, head_dim=4, layers=1, d_ff=12, padding="both", pad_id=3, wanted="some"),
        case(en="greedy: all rows end", zh="greedy：所有行都结束", method="greedy", batch=2, src_len=4, tgt_len=6, heads=2, head_dim=4, layers=1, d_ff=12, pad_id=3, wanted="all"),
        case(en="greedy: pad_id has the largest logit", zh="greedy：pad_id 的 logit 最大", method="greedy", batch=3, src_len=4, tgt_len=3, heads=2, head_dim=4, layers=1, d_ff=12, pad_id=2, wanted="pad"),
    ]  # fmt: skip
    edges = [
        case(en="one token each", zh="各一个 token", batch=2, src_len=1, tgt_len=1, heads=2, head_dim=4, layers=1, d_ff=12, reduction=1024),
        case(en="max_len tokens", zh="max_len 个 token", batch=1, src_len=16, tgt_len=16, heads=2, head_dim=4, layers=1, d_ff=12, reduction=1024),
        case(en="padding on the left of the target", zh="目标左侧有填充", batch=2, src_len=4, tgt_len=5, heads=2, head_dim=4, layers=1, d_ff=12, padding="left", reduction=1024),
        case(en="greedy: a batch of one", zh="greedy：batch 为 1", method="greedy", batch=1, src_len=3, tgt_len=4, heads=2, head_dim=4, layers=1, d_ff=12),
        case(en="greedy: bos_id is eos_id too", zh="greedy：bos_id 就是 eos_id", method="greedy", batch=2, src_len=3, tgt_len=3, heads=2, head_dim=4, layers=1, d_ff=12, same=True),
        case(en="greedy: no step", zh="greedy：零步", method="greedy", batch=2, src_len=3, tgt_len=0, heads=2, head_dim=4, layers=1, d_ff=12),
    ]  # fmt: skip

    def config(self, *, heads, head_dim, layers, d_ff, pad_id=None, max_len=16, **_):
        config = {"src_vocab": 9, "tgt_vocab": 11, "d_model": heads * head_dim, "num_heads": heads}
        config |= {"num_layers": layers, "d_ff": d_ff, "max_len": max_len}
        return config if pad_id is None else config | {"pad_id": pad_id}

    def inputs(self, rng, *, batch, src_len, tgt_len, pad_id=0, padding=None, method=None, same=False, **_):
        src = tokens(rng, 9, batch, src_len, pad_id)
        row = torch.arange(batch)[:, None]
        if padding:  # the last row has the shortest source
            src[torch.arange(src_len) >= (src_len - row).clamp(min=1)] = pad_id
        if method == "greedy":
            return {"src": src, "bos_id": 1, "eos_id": 1 if same else NEVER, "max_new_tokens": tgt_len}
        tgt = tokens(rng, 11, batch, tgt_len, pad_id)
        if padding:  # and the longest target
            position = torch.arange(tgt_len) if padding == "both" else torch.arange(tgt_len).flip(0)
            tgt[position >= (tgt_len - batch + 1 + row).clamp(min=2)] = pad_id
        return {"src": src, "tgt": tgt}

    def valid(self, *, batch, src_len, tgt_len, layers, head_dim, heads, method=None, **_):
        enough = 2 if method == "loss" else 0 if method == "greedy" else 1
        return (
            min(batch, src_len, layers) >= 1 and enough <= tgt_len <= 16 and src_len <= 16 and heads * head_dim % 2 == 0
        )

    def weight(self, rng, name, tensor):
        """For greedy decoding such that the tokens vary: a plain random model repeats itself."""
        if self.alike and name == "tgt_embed.weight":  # logits of one sign
            return super().weight(rng, name, tensor) + rng.normal(tensor.shape[-1:])
        if self.lively and name.endswith("norm3.weight"):
            return rng.normal(tensor.shape)
        return super().weight(rng, name, tensor) * (3.0 if self.lively and ("o_proj" in name or "fc2" in name) else 1.0)

    def scenario(self, impl, rng, probe):
        params = probe.case.params
        if "wanted" in params:
            rng, inputs = self.decoding(probe)
        self.weights_for(params)
        model = self.build(impl, rng=rng, dtype=probe.case.dtype, **params)
        if "wanted" not in params:
            inputs = self.inputs(rng, **params)
        match params.get("method"):
            case "loss":
                yield "loss", model.loss(**inputs)
            case "greedy":
                yield "greedy", model.greedy(**inputs)
            case _:
                yield "", model(**inputs)

    def arguments(self, rng, probe):
        params = probe.case.params
        if "wanted" in params:
            return self.decoding(probe)[1]
        self.weights_for(params)
        return super().arguments(rng, probe)

    def weights_for(self, params):
        self.lively = params.get("method") == "greedy"
        self.alike = params.get("wanted") == "pad"

    def decoding(self, probe):
        """What the weights are drawn by, and inputs of greedy, such that what is wanted happens."""
        params = probe.case.params
        self.weights_for(params)
        chosen = vars(self.graded).setdefault("decodings", {})  # the same for attempt and reference
        case_key = self.entry, "greedy", probe.draw, str(sorted(params.items()))
        if case_key not in chosen:
            chosen[case_key] = self.drawn(case_key, params)
        key, eos_id = chosen[case_key]
        return self.graded.rng(*key), self.inputs(self.graded.rng(*key, "inputs"), **params) | {"eos_id": eos_id}

    def drawn(self, case_key, params):
        """What the weights and the source are drawn by, and the eos_id."""
        for number in range(200):  # "pad" happens in one of 17
            key = *case_key, number
            truth = self.build(self.graded.truth(), rng=self.graded.rng(*key), **params)
            inputs = self.inputs(self.graded.rng(*key, "inputs"), **params)
            eos_id = NEVER
            if params["wanted"] == "pad":
                first = truth(src=inputs["src"], tgt=torch.ones(params["batch"], 1, dtype=torch.int64))
                happens = bool(((first.argmax(-1) == params["pad_id"]) & (first.amax(-1) < 0)).any())
            else:
                happens, eos_id = found(truth.greedy(**inputs)[:, 1:].tolist(), params["wanted"])
            if happens:
                return key, eos_id
        return key, NEVER  # a case that was made too small for it

    @title(en="a token does not see later ones", zh="看不到后面的 token")
    def test_causality(self, attempt, rng):
        model = self.build(attempt, **SIZES)
        src, tgt = tokens(rng, 9, 1, 5, 0), tokens(rng, 11, 1, 6, 0)
        changed = torch.cat((tgt[:, :4], tgt[:, 4:] % 10 + 1), dim=1)
        assert_close(
            model(src=src, tgt=changed)[:, :4],
            model(src=src, tgt=tgt)[:, :4],
            en="changing target tokens 4 and 5 must not change the logits at target tokens 0 to 3",
            zh="改动目标 token 4 和 5 不应影响目标 token 0 到 3 处的 logits",
            reduction=1024,
        )

    @check("gradients")
    @title(en="gradients of the loss", zh="loss 的梯度")
    def test_gradients_of_loss(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=2, src_len=4, tgt_len=5, padding="both")
        models = [self.build(impl, **SIZES | {"layers": 1}) for impl in (attempt, reference)]
        found, truth = (
            impl.local(LOSS_GRADIENTS)(model, inputs["src"], inputs["tgt"])
            for impl, model in zip((attempt, reference), models, strict=True)
        )
        absent = {name: torch.zeros(truth[name].shape) for name, gradient in found.items() if gradient is None}
        assert_close(
            *(torch.cat([grads[name].flatten() for name in sorted(truth)]) for grads in (found | absent, truth)),
            en="after loss(…).backward() the gradients of the parameters, taken together, are not right",
            zh="loss(…).backward() 之后，各参数的梯度合在一起看不正确",
            reduction=4096,
        )

    @check("cost")
    @title(en="greedy encodes the source once", zh="greedy 只编码一次源序列")
    def test_encoded_once(self, attempt, reference, rng):
        src = tokens(rng, 9, 1, 32, 0)
        costs = []
        for impl in (reference, attempt):
            model = self.build(impl, heads=1, head_dim=8, layers=1, d_ff=32, max_len=32)
            costs.append(impl.profile(model.greedy, src=src, bos_id=1, eos_id=NEVER, max_new_tokens=3))
        assert_growth(
            *costs,
            "flops",
            at_most=1.5,
            en="three tokens for a source of 32, FLOPs beside those of encoding once: the source is encoded at every step",
            zh="源序列 32 个 token、生成 3 个：FLOPs 多于只编码一次所需，源序列在每一步都被重新编码了",
        )


def tokens(rng, vocab, batch, length, pad_id):
    """Random ids, none of which is pad_id."""
    ids = rng.integers(0, vocab - 1, (batch, length))
    return ids + (ids >= pad_id)


def found(rows, wanted):
    """Whether rows that were decoded without an end show what is wanted, and with which eos_id.

    "varied": one token is followed by two others in a row, so that it takes more than the last token to go on. "some":
    rows that end at steps that differ, with more to say, beside one that does not end. "all": all end before the last
    step.
    """
    if wanted == "varied":
        follows = [{(row[k], row[k + 1]) for k in range(len(row) - 1)} for row in rows]
        return any(len({first for first, _ in pairs}) < len(pairs) for pairs in follows), NEVER
    for eos_id in sorted({token for row in rows for token in row} - {1}):  # bos_id has a case of its own
        ends = [row.index(eos_id) if eos_id in row else None for row in rows]
        early = [(row, k) for row, k in zip(rows, ends, strict=True) if k is not None and k < len(row) - 1]
        if wanted == "all" and len(early) == len(rows):
            return True, eos_id
        more = any(row[k + 1] != eos_id for row, k in early)
        if wanted == "some" and more and None in ends and len({k for _, k in early}) > 1:
            return True, eos_id
    return False, NEVER
