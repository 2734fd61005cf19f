"""Grader of nucleus sampling."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_equal, assert_growth, case, check, fail, title
from thinkllm_drill.grading.cases import Words

MARGIN = 1e-4  # how far a cumulative probability stays from p and from u: no rounding turns the decision
LAST_UNIFORM = 1 - 2**-24  # the largest float32 below 1


def nucleus(logits, p):
    """fp64 probabilities and membership of the nucleus, by counting who is ahead of whom."""
    probs = logits.double().softmax(-1)
    token = torch.arange(logits.shape[-1])
    ours, theirs = logits.unsqueeze(-1), logits.unsqueeze(-2)
    ahead = (theirs > ours) | ((theirs == ours) & (token < token[:, None]))  # [i, j]: token j comes before token i
    before = (ahead * probs.unsqueeze(-2)).sum(-1)
    return probs, (before < p) | ~ahead.any(-1) | (p >= 1)


def cumulative(logits, p, temperature):
    """fp64 distribution function of the nucleus, in the order of the vocabulary."""
    probs, keep = nucleus(logits.double() / temperature, p)
    return (probs * keep).cumsum(-1) / (probs * keep).sum(-1, keepdim=True)


def is_clear(logits, p):
    """Per row: no sum of probabilities lies at p, and no two different logits are nearly equal."""
    ordered = logits.double().sort(dim=-1).values
    gap = ordered.diff(dim=-1)
    clear = ((gap > MARGIN) | (gap == 0) | gap.isnan()).all(-1)
    sums = ordered.softmax(-1).flip(-1).cumsum(-1)
    return clear & ((sums - p).abs() > MARGIN).all(-1) if 0 < p < 1 else clear


def redrawn(draw, good, tries=200):
    """draw(), each row drawn again until good(rows) says yes to it."""
    kept = draw()
    for _ in range(tries):
        bad = ~good(kept)
        if not bad.any():
            break
        kept = torch.where(bad.view(-1, *[1] * (kept.dim() - 1)), draw(), kept)
    return kept


def draw_logits(rng, batch, vocab, p, *, temperature=1.0, kind="normal", scale=2.0):
    """(batch, vocab) logits with a clear nucleus.

    Equal logits are zeros, so that they stay equal when the inputs are moved by rounding errors. Kinds: "equal", all
    are; "ties", some among normal ones; "top ties", some above all others; "banned", every third is −inf; "peaked", one
    holds nearly everything; "far", the rows lie around 1000 and −1000 in turn; "normal".
    """
    if kind == "equal":
        return torch.zeros(batch, vocab)

    def draw():
        logits = rng.normal((batch, vocab)) * scale
        if kind == "ties":
            return torch.where(rng.bernoulli((batch, vocab), 0.6), 0.0, logits)
        if kind == "top ties":
            return torch.where(rng.bernoulli((batch, vocab), 0.5), 0.0, -logits.abs())
        if kind == "banned" and vocab > 1:
            logits[:, 0::3] = -torch.inf
        if kind == "far":
            logits += 1000.0 * (1 - 2 * (torch.arange(batch) % 2)).unsqueeze(-1)
        if kind == "peaked":
            logits[:, vocab // 2] = 30.0
        return logits

    return redrawn(draw, lambda logits: is_clear(logits / (temperature or 1.0), p))


def exact(vocab, kind="normal", **_):
    """Whether equal probabilities are powers of two, so that softmax and sums of them are exact."""
    return kind != "equal" or vocab & (vocab - 1) == 0


class TestTopPFilter(FunctionSuite):
    entry = "top_p_filter"
    cases = [
        case(en="five tokens", zh="五个 token", batch=2, vocab=5, p=0.7),
        case(en="p = 0.9", zh="p = 0.9", batch=8, vocab=12, p=0.9),
        case(en="p = 0.3", zh="p = 0.3", batch=8, vocab=12, p=0.3),
        case(en="at least four tokens", zh="至少四个 token", batch=8, vocab=9, p=0.3, min_tokens=4),
        case(
            en="at least two tokens, where p keeps more",
            zh="至少两个 token，而 p 保留的更多",
            batch=8,
            vocab=12,
            p=0.8,
            min_tokens=2,
            scale=0.5,
        ),
        case(en="banned tokens (−inf)", zh="被禁的 token（−inf）", batch=8, vocab=12, p=0.8, kind="banned"),
        case(en="ties", zh="并列", batch=32, vocab=9, p=0.6, kind="ties", scale=1.0),
        case(en="p = 0", zh="p = 0", batch=4, vocab=6, p=0.0),
        case(en="p = 1", zh="p = 1", batch=4, vocab=6, p=1.0),
        case(en="67 tokens", zh="67 个 token", batch=6, vocab=67, p=0.95),
    ]
    edges = [
        case(en="one token", zh="只有一个 token", batch=3, vocab=1, p=0.5),
        case(en="no row", zh="零行", batch=0, vocab=5, p=0.5),
        case(en="min_tokens_to_keep above the vocabulary", zh="min_tokens_to_keep 超过词表大小", batch=2, vocab=5, p=0.2, min_tokens=9),
        case(en="a sum exactly at p", zh="累积和恰好等于 p", batch=2, vocab=4, p=0.5, kind="equal"),
        case(en="p = 1, one token holds nearly everything", zh="p = 1，一个 token 几乎占全部概率", batch=3, vocab=9, p=1.0, kind="peaked"),
        case(en="p = 1, banned tokens", zh="p = 1，有被禁的 token", batch=3, vocab=9, p=1.0, kind="banned"),
        case(en="logits of ±10000", zh="±10000 的 logit", batch=4, vocab=9, p=0.9, scale=1e4),
        case(en="logits around 1000 and −1000", zh="1000 与 −1000 附近的 logit", batch=4, vocab=9, p=0.9, kind="far"),
        case(en="bfloat16, 1024 equal logits", zh="bfloat16，1024 个相等的 logit", batch=1, vocab=1024, p=0.7504, kind="equal", dtype="bfloat16"),
        case(en="float16, 2048 equal logits", zh="float16，2048 个相等的 logit", batch=1, vocab=2048, p=0.6002, kind="equal", dtype="float16"),
    ]  # fmt: skip

    def valid(self, **params):
        return exact(**params)

    def inputs(self, rng, *, batch, vocab, p, min_tokens=None, kind="normal", scale=2.0, **_):
        inputs = {"logits": draw_logits(rng, batch, vocab, p, kind=kind, scale=scale), "p": p}
        return inputs if min_tokens is None else {**inputs, "min_tokens_to_keep": min_tokens}

    def scenario(self, impl, rng, probe):
        """Which tokens are kept before the logits, as a NaN or an infinity alone says nothing of them."""
        for label, value in super().scenario(impl, rng, probe):
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                yield Words("which tokens are kept", "保留了哪些 token").here, value != -torch.inf
            yield label, value

    @title(en="a vocabulary of 32000: enough mass, no token too many", zh="32000 的词表：概率足够，且一个不多")
    def test_minimal(self, attempt, rng):
        logits, p = rng.normal((3, 32000)) * 2, 0.9
        kept = attempt.top_p_filter(logits=logits, p=p) > -torch.inf
        probs = logits.double().softmax(-1)
        mass = (probs * kept).sum(-1)
        least = torch.where(kept, probs, torch.inf).amin(-1)
        if (mass < p - MARGIN).any():
            fail(
                en=f"the kept tokens hold only {mass.min():.5f} of the probability, and p is {p}",
                zh=f"保留的 token 只占概率 {mass.min():.5f}，而 p 是 {p}",
            )
        if (mass - least > p + MARGIN).any():
            fail(
                en=f"without its least likely token the set still holds {(mass - least).max():.5f}, more than p = {p}",
                zh=f"去掉概率最小的一个后仍有 {(mass - least).max():.5f}，大于 p = {p}：不是最小的集合",
            )

    @check("cost")
    @title(en="memory grows with the vocabulary, Python does not", zh="内存随词表线性增长，Python 指令不增长")
    def test_growth(self, attempt, rng):
        grows_little([attempt.profile("top_p_filter", **call, instructions=True) for call in calls(rng)])


class TestSampleTopP(FunctionSuite):
    entry = "sample_top_p"
    cases = [
        case(en="temperature 1", zh="温度为 1", batch=4, vocab=5, p=0.8, temperature=1.0),
        case(en="64 rows", zh="64 行", batch=64, vocab=12, p=0.8, temperature=1.0),
        case(en="temperature 0.5", zh="温度为 0.5", batch=64, vocab=12, p=0.8, temperature=0.5),
        case(en="temperature 2", zh="温度为 2", batch=64, vocab=12, p=0.6, temperature=2.0),
        case(en="temperature 0 is greedy", zh="温度为 0 即贪心", batch=16, vocab=12, p=0.8, temperature=0.0),
        case(en="p = 1", zh="p = 1", batch=64, vocab=12, p=1.0, temperature=1.5),
        case(en="p = 0", zh="p = 0", batch=16, vocab=12, p=0.0, temperature=1.5),
        case(en="banned tokens (−inf)", zh="被禁的 token（−inf）", batch=64, vocab=12, p=0.7, temperature=1.5, kind="banned"),
    ]  # fmt: skip
    edges = [
        case(en="u = 0", zh="u = 0", batch=32, vocab=12, p=0.6, temperature=1.0, u=0.0),
        case(en="u = 0, the first token banned", zh="u = 0，第一个 token 被禁", batch=8, vocab=7, p=1.0, temperature=1.0, u=0.0, kind="banned"),
        case(en="u just below 1", zh="u 略小于 1", batch=64, vocab=67, p=0.9, temperature=2.0, u=LAST_UNIFORM),
        case(en="u just below 1, nothing filtered", zh="u 略小于 1，不过滤", batch=64, vocab=67, p=1.0, temperature=4.0, u=LAST_UNIFORM),
        case(en="ties at temperature 0", zh="温度为 0 且并列", batch=16, vocab=9, p=0.5, temperature=0.0, kind="top ties"),
        case(en="ties in the nucleus", zh="核内有并列", batch=64, vocab=9, p=0.6, temperature=2.0, kind="ties"),
        case(en="u exactly at a sum", zh="u 恰好等于累积概率", batch=4, vocab=4, p=1.0, temperature=1.0, kind="equal", u="sums"),
        case(en="u exactly at a sum of the nucleus", zh="u 恰好等于核内的累积概率", batch=2, vocab=4, p=0.5, temperature=1.0, kind="equal", u="sums"),
        case(en="a very low temperature", zh="极低的温度", batch=16, vocab=12, p=0.9, temperature=1e-3),
        case(en="ties at a temperature just above 0", zh="温度略大于 0 且并列", batch=16, vocab=9, p=1.0, temperature=1e-9, kind="top ties"),
        case(en="logits around 1000 and −1000", zh="1000 与 −1000 附近的 logit", batch=16, vocab=9, p=0.9, temperature=1.0, kind="far"),
        case(en="one token", zh="只有一个 token", batch=3, vocab=1, p=0.5, temperature=1.0),
        case(en="no row", zh="零行", batch=0, vocab=5, p=0.5, temperature=1.0),
    ]  # fmt: skip

    def valid(self, **params):
        return exact(**params) and (params.get("u") != "sums" or params["batch"] in (2, 4))

    def inputs(self, rng, *, batch, vocab, p, temperature, kind="normal", scale=2.0, u=None, **_):
        logits = draw_logits(rng, batch, vocab, p, temperature=temperature, kind=kind, scale=scale)
        if u == "sums":
            uniforms = torch.arange(batch) / batch
        elif u is not None:
            uniforms = torch.full((batch,), u)
        else:
            cdf = cumulative(logits, p, temperature or 1.0)
            uniforms = redrawn(
                lambda: rng.uniform((batch,)),
                lambda drawn: ((drawn.unsqueeze(-1) - cdf).abs() > MARGIN).all(-1),
            )
        return {"logits": logits, "p": p, "temperature": temperature, "u": uniforms}

    @title(en="bfloat16 logits are summed in float32", zh="bfloat16 的 logit 用 float32 累加")
    def test_half_precision(self, attempt, rng):
        vocab = 1000
        expected = rng.integers(0, vocab, (32,))
        u = (expected + 0.5) / vocab  # in the middle of a token's interval
        logits = torch.zeros(32, vocab, dtype=torch.bfloat16)
        assert_equal(
            attempt.sample_top_p(logits=logits, p=1.0, temperature=1.0, u=u),
            expected,
            en=f"of {vocab} equal bfloat16 logits, u must give the token ⌊{vocab} · u⌋",
            zh=f"{vocab} 个相等的 bfloat16 logit，u 应当给出 token ⌊{vocab} · u⌋",
        )

    @title(
        en="half-precision logits are divided by the temperature in float32", zh="半精度的 logit 用 float32 除以温度"
    )
    def test_half_temperature(self, attempt, rng):
        drawn = rng.integers(
            0, 9, (256, 5)
        )  # near 100, bfloat16 tells apart halves; 960 / 0.01 is too much for float16
        for logits, temperature in ((100 + drawn.bfloat16() / 2, 0.7), (120 * drawn.half(), 0.01)):
            p, wide = 0.9, logits.double()
            clear = is_clear(wide / temperature, p)
            logits, cdf = logits[clear], cumulative(wide[clear], p, temperature)
            u = rng.uniform((len(logits),))
            far = ((u.unsqueeze(-1) - cdf).abs() > 10 * MARGIN).all(-1)
            assert_equal(
                attempt.sample_top_p(logits=logits[far], p=p, temperature=temperature, u=u[far]),
                (cdf <= u.unsqueeze(-1)).sum(-1)[far],
                en=f"{name_of(logits)} logits must be divided by the temperature in float32: in half precision the "
                "quotient is rounded to other probabilities, or overflows",
                zh=f"{name_of(logits)} 的 logit 要用 float32 除以温度：用半精度相除，商的舍入会改变概率，甚至溢出",
            )

    @title(en="frequencies are those of the nucleus", zh="频率等于核内的概率")
    def test_frequencies(self, attempt, rng):
        rows, vocab, p, temperature = 1000, 7, 0.8, 1.5
        logits = draw_logits(rng, 1, vocab, p, temperature=temperature)
        u = (torch.arange(rows) + 0.5) / rows
        tokens = attempt.sample_top_p(logits=logits.repeat(rows, 1), p=p, temperature=temperature, u=u)
        frequencies = torch.bincount(tokens, minlength=vocab)[:vocab] / rows
        expected = cumulative(logits, p, temperature)[0].diff(prepend=torch.zeros(1, dtype=torch.float64))
        if (frequencies - expected).abs().max() > 2 / rows:
            fail(
                en=f"evenly spaced u give the tokens with frequencies {frequencies.tolist()}, not {expected.tolist()}",
                zh=f"u 等距取遍时各 token 的频率是 {frequencies.tolist()}，应为 {expected.tolist()}",
            )

    @check("cost")
    @title(en="memory grows with the vocabulary, Python does not", zh="内存随词表线性增长，Python 指令不增长")
    def test_growth(self, attempt, rng):
        more = {"temperature": 0.9, "u": torch.tensor([0.5, LAST_UNIFORM])}
        grows_little([attempt.profile("sample_top_p", **call, **more, instructions=True) for call in calls(rng)])


def calls(rng):
    """Arguments for a vocabulary and for one of eight times the size; most tokens are in the nucleus."""
    return [{"logits": rng.normal((2, vocab)), "p": 0.95} for vocab in (256, 2048)]


def grows_little(costs):
    """Demand O(vocab) memory and no Python loop over tokens."""
    assert_growth(
        *costs,
        "instructions",
        at_most=1.5,
        en="a vocabulary of 2048 must not take more Python than one of 256: no loop over tokens",
        zh="2048 的词表所用的 Python 指令不应多于 256 的：不要逐 token 循环",
    )
    assert_growth(
        *costs,
        "largest_bytes",
        at_most=12.0,
        en="a vocabulary 8 times as large may take 8 times the memory, not 64 times: no table of all pairs of tokens",
        zh="词表大到 8 倍，内存可以是 8 倍，不可以是 64 倍：不要做所有 token 两两配对的表",
    )


def name_of(tensor):
    """The dtype in a word."""
    return str(tensor.dtype).removeprefix("torch.")
