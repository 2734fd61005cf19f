"""Grader of the token embedding with a tied output head."""

from thinkllm_drill.grading import ModuleSuite, assert_growth, case, check, title
from thinkllm_drill.grading.cases import Words
from thinkllm_drill.grading.layouts import laid_out

GRADIENTS = """def gradients(layer, input_ids, hidden, of_embeddings, of_logits):
    hidden = hidden.detach().requires_grad_()
    def of(output, cotangent, *inputs):
        if not output.requires_grad:
            return [torch.zeros_like(x) for x in inputs]
        found = torch.autograd.grad(output, inputs, cotangent, allow_unused=True, retain_graph=True)
        return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs)]
    embeddings, logits = layer(input_ids), layer.as_logits(hidden)
    both = ((embeddings * of_embeddings).sum() + (logits * of_logits).sum())
    return [
        *of(embeddings, of_embeddings, layer.weight),
        *of(logits, of_logits, hidden, layer.weight),
        *of(both, None, layer.weight),
    ]
"""
SHOWN = (
    ("weight, from forward", "weight，经 forward"),
    ("hidden, from as_logits", "hidden，经 as_logits"),
    ("weight, from as_logits", "weight，经 as_logits"),
    ("weight, from both ends at once", "weight，两端同时"),
)


class TestTokenEmbedding(ModuleSuite):
    entry = "TokenEmbedding"
    gradients = ("hidden", "parameters")
    cases = [
        case(en="no padding_idx", zh="没有 padding_idx", batch=2, seq_len=5, vocab=7, d_model=6),
        case(en="padding_idx 3", zh="padding_idx 为 3", batch=3, seq_len=4, vocab=9, d_model=5, padding_idx=3),
        case(en="padding_idx 0", zh="padding_idx 为 0", batch=2, seq_len=6, vocab=5, d_model=3, padding_idx=0),
        case(en="not scaled, last id is padding", zh="不乘系数，最后一个 id 为填充", batch=2, seq_len=7, vocab=4, d_model=8, padding_idx=3, scale=False),
        case(en="not scaled", zh="不乘系数", batch=2, seq_len=3, vocab=11, d_model=10, scale=False),
        case(en="as many tokens as vocabulary entries", zh="token 数等于词表大小", batch=5, seq_len=5, vocab=5, d_model=4),
    ]  # fmt: skip
    edges = [
        case(en="one token", zh="只有一个 token", batch=1, seq_len=1, vocab=6, d_model=4, padding_idx=2),
        case(en="one id, many times", zh="同一个 id 出现多次", batch=3, seq_len=17, vocab=6, d_model=4, same=True),
        case(en="nothing but padding", zh="全是填充", batch=2, seq_len=3, vocab=4, d_model=3, padding_idx=1, same=True),
        case(en="a vocabulary of 257", zh="词表大小为 257", batch=1, seq_len=9, vocab=257, d_model=129, padding_idx=256, reduction=129),
        case(en="d_model 1", zh="d_model 为 1", batch=2, seq_len=3, vocab=4, d_model=1, padding_idx=1),
    ]  # fmt: skip

    def config(self, *, vocab, d_model, padding_idx=None, scale=None, **_):
        config = {"vocab_size": vocab, "d_model": d_model, "padding_idx": padding_idx}
        return config if scale is None else config | {"scale": scale}

    def inputs(self, rng, *, batch, seq_len, vocab, d_model, padding_idx=None, same=False, **_):
        ids = rng.integers(0, vocab, (batch, seq_len))
        if padding_idx is not None:
            ids[:, -1] = padding_idx
        if same:
            ids[:] = rng.randint(0, vocab) if padding_idx is None else padding_idx
        return {"input_ids": ids, "hidden": rng.normal((batch, seq_len, d_model))}

    def valid(self, *, batch, seq_len, vocab, d_model, padding_idx=None, **_):
        return min(batch, seq_len, vocab, d_model) > 0 and (padding_idx is None or 0 <= padding_idx < vocab)

    def scenario(self, impl, rng, probe):
        layer, inputs = self.layer_and_inputs(impl, rng, probe)
        yield said("forward", "forward"), layer(input_ids=inputs["input_ids"])
        yield said("as_logits", "as_logits"), layer.as_logits(hidden=inputs["hidden"])

    def gradient_scenario(self, impl, rng, probe):
        layer, inputs = self.layer_and_inputs(impl, rng, probe)
        batch, seq_len, d_model = inputs["hidden"].shape
        cotangents = rng.normal((batch, seq_len, d_model)), rng.normal((batch, seq_len, probe.case.params["vocab"]))
        found = impl.local(GRADIENTS)(layer, inputs["input_ids"], inputs["hidden"], *cotangents)
        for words, gradient in zip(SHOWN, found, strict=True):
            yield said(*words), gradient

    def layer_and_inputs(self, impl, rng, probe):
        params = probe.case.params
        layer = self.build(impl, rng=rng, dtype=probe.case.dtype, **params)
        return layer, laid_out(self.inputs(rng, **params), probe.case.dtype, probe.layout)

    @check("cost")
    @title(en="forward does not touch the whole table", zh="forward 不碰整张表")
    def test_rows_alone(self, attempt, rng):
        sizes = {"batch": 2, "seq_len": 8, "d_model": 16, "padding_idx": 1}
        costs = []
        for vocab in (32, 512):
            ids = self.inputs(rng, vocab=vocab, **sizes)["input_ids"]
            costs.append(self.build(attempt, vocab=vocab, **sizes).profile(input_ids=ids))
        for field in ("peak_bytes", "work"):
            assert_growth(
                *costs,
                field,
                at_most=1.5,
                en="From 32 to 512 tokens in the vocabulary, forward takes more: it makes a one-hot matrix, or a scaled "
                "or detached copy of the table. Take the rows out first.",
                zh="词表从 32 增到 512，forward 的代价也增加了：它构造了 one-hot 矩阵，或把整张表乘系数、detach 后另存了一份。"
                "应先取出所需的行。",
            )

    @check("cost")
    @title(en="no Python loop over tokens", zh="不在 Python 里逐个 token 循环")
    def test_no_loop(self, attempt, rng):
        sizes = {"vocab": 16, "d_model": 4, "padding_idx": 1}
        costs = []
        for seq_len in (4, 32):
            ids = self.inputs(rng, batch=2, seq_len=seq_len, **sizes)["input_ids"]
            costs.append(self.build(attempt, batch=2, seq_len=seq_len, **sizes).profile(input_ids=ids))
        assert_growth(
            *costs,
            "operations",
            at_most=1.5,
            en="From 4 to 32 tokens a row your torch calls grow in number: you loop over tokens in Python.",
            zh="每行从 4 个 token 增到 32 个，torch 调用的次数也增加了：你在 Python 里逐个 token 循环。",
        )


def said(en, zh):
    """A label in the learner's language."""
    return Words(en, zh).here
