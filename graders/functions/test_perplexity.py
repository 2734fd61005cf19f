"""Grader of perplexity, of a padded batch and by windows."""

import torch

from thinkllm_drill.grading import FunctionSuite, ObjectSuite, assert_growth, case, check, title


class TestPerplexity(FunctionSuite):
    """A roundoff in a mean of L nats is L of them in the perplexity: cases allow 32, those of 40 nats 256;
    label − logsumexp of logits around L loses L of them in each token."""

    entry = "perplexity"
    cases = [
        case(en="no padding", zh="没有填充", batch=2, seq_len=5, vocab=7, factor=32),
        case(en="padding on the right", zh="右填充", batch=3, seq_len=8, vocab=5, pad="right", factor=32),
        case(en="padding on the left", zh="左填充", batch=3, seq_len=8, vocab=5, pad="left", factor=32),
        case(en="padding on both sides", zh="两侧填充", batch=4, seq_len=9, vocab=5, pad="both", factor=32),
        case(en="one long row, one short", zh="一行长、一行短", batch=2, seq_len=17, vocab=11, pad="uneven", factor=32),
        case(en="as many tokens as vocabulary entries", zh="token 数等于词表大小", batch=6, seq_len=6, vocab=6, pad="right", factor=32),
        case(en="a model that is nearly certain", zh="几乎确定的模型", batch=2, seq_len=6, vocab=5, pad="left", sure=6.0, factor=32),
    ]  # fmt: skip
    edges = [
        case(en="two tokens", zh="两个 token", batch=2, seq_len=2, vocab=5, factor=32),
        case(en="a row of padding, a row with one real token", zh="一行全是填充，一行只有一个真实 token", batch=4, seq_len=7, vocab=5, pad="right", sparse=True, factor=32),
        case(en="NaN at padding on the right", zh="右填充处为 NaN", batch=3, seq_len=7, vocab=5, pad="right", junk=True, factor=32),
        case(en="NaN at padding on the left", zh="左填充处为 NaN", batch=3, seq_len=7, vocab=5, pad="left", junk=True, factor=32),
        case(en="equal logits: the size of the vocabulary", zh="logit 全相等：等于词表大小", batch=2, seq_len=6, vocab=13, scale=0.0, factor=32),
        case(en="logits around 200", zh="200 左右的 logit", batch=2, seq_len=6, vocab=5, level=200.0, factor=1024),
        case(en="logits around −20000, tokens banned", zh="−20000 左右的 logit，有被禁用的 token", batch=3, seq_len=7, vocab=7, pad="both", level=-2e4, banned=True, factor=131072),
        case(en="tokens 40 nats below the best", zh="比最优低 40 纳特的 token", batch=2, seq_len=5, vocab=4, pad="right", sure=-40.0, factor=256),
        case(en="tokens 40 nats apart, float16", zh="相差 40 纳特，float16", batch=2, seq_len=5, vocab=4, sure=-40.0, scale=0.0, factor=256, dtype="float16"),
        case(en="257 tokens", zh="257 个 token", batch=2, seq_len=257, vocab=17, pad="left", reduction=514),
        case(en="bfloat16 logits", zh="bfloat16 的 logit", batch=3, seq_len=17, vocab=300, pad="right", grid=True, factor=64, dtype="bfloat16"),
        case(en="float16 logits", zh="float16 的 logit", batch=3, seq_len=17, vocab=300, pad="left", grid=True, factor=64, dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, seq_len, vocab, pad="", scale=1.0, level=0.0, sure=0.0, **which):
        logits = rng.normal((batch, seq_len, vocab)) * scale + level
        if which.get("grid"):  # exact in half precision, so that only the answer's own rounding counts
            logits = (8 * logits).round() / 8
        input_ids = rng.integers(1 if which.get("banned") else 0, vocab, (batch, seq_len))
        if sure:
            logits[:, :-1].scatter_add_(-1, input_ids[:, 1:, None], torch.full((batch, seq_len - 1, 1), sure))
        if which.get("banned"):
            logits[..., 0] = -torch.inf
        mask = self.mask(rng, batch, seq_len, pad)
        if which.get("sparse"):
            mask[1:] = False
            mask[2, 3 % seq_len] = True
        if which.get("junk"):
            logits[~mask] = torch.nan
        return {"logits": logits, "input_ids": input_ids, "attention_mask": mask}

    def mask(self, rng, batch, seq_len, pad):
        """Rows of different lengths; the first row is never padded on the right nor the last on the left."""
        start, stop = torch.zeros(batch, 1), torch.full((batch, 1), seq_len)
        most = max(seq_len // 2, 1)
        if pad in ("right", "both"):
            stop[1:] -= rng.integers(1, most, (batch - 1, 1)) if most > 1 else 0
        if pad in ("left", "both"):
            start[:-1] += rng.integers(1, most, (batch - 1, 1)) if most > 1 else 0
        if pad == "uneven":
            stop[1:] = min(3, seq_len)
        position = torch.arange(seq_len)
        return (position >= start) & (position < stop)

    def valid(self, *, batch, seq_len, vocab, banned=False, sparse=False, **_):
        return batch > (2 if sparse else 0) and seq_len > 1 and vocab > (1 if banned else 0)

    @check("cost")
    @title(en="no loop over tokens or rows", zh="不逐个 token、不逐行循环")
    def test_no_loop(self, attempt, rng):
        small, large = (self.inputs(rng, batch=n, seq_len=4 * n, vocab=5, pad="right") for n in (4, 16))
        assert_growth(
            attempt.profile("perplexity", **small),
            attempt.profile("perplexity", **large),
            "operations",
            at_most=1.5,
            en="From 4 rows of 16 tokens to 16 of 64 your torch calls grow in number: a Python loop over tokens or rows.",
            zh="从 4 行 16 个 token 到 16 行 64 个 token，调用 torch 的次数变多了：你用 Python 逐个 token 或逐行循环。",
        )


class Model:
    """Stands for a model: the loss of a token depends on it, on the one before, and on the length of its context."""

    def __init__(self):
        self.windows = []

    def __call__(self, window):
        ids = torch.as_tensor(window)
        self.windows.append(ids.tolist())
        ids = ids.flatten()
        context = torch.arange(1, len(ids))
        return (ids[1:] * 11 + ids[:-1] * 5 + context * 7) % 32 / 16 + 0.5  # exact, in whatever order they are added


class TestStridedPerplexity(ObjectSuite):
    entry = "strided_perplexity"
    cases = [
        case(en="three windows", zh="三个窗口", n=8, max_len=4, stride=2),
        case(en="the text fits into one window", zh="一个窗口就放得下", n=5, max_len=9, stride=3),
        case(en="a short last window", zh="最后一个窗口较短", n=12, max_len=6, stride=4),
        case(en="windows that overlap by one token", zh="窗口只重叠一个 token", n=13, max_len=5, stride=4),
        case(en="windows that overlap much", zh="重叠很多的窗口", n=14, max_len=7, stride=2),
        case(en="one new token a window", zh="每个窗口一个新 token", n=9, max_len=4, stride=1),
    ]
    edges = [
        case(en="two tokens", zh="两个 token", n=2, max_len=2, stride=1),
        case(en="as long as the window", zh="与窗口一样长", n=6, max_len=6, stride=2),
        case(en="one token longer than the window", zh="比窗口多一个 token", n=7, max_len=6, stride=4),
        case(en="the last window adds one token", zh="最后一个窗口只新增一个 token", n=11, max_len=6, stride=2),
        case(en="a long text", zh="长文本", n=129, max_len=17, stride=12, reduction=129),
    ]

    def run(self, impl, rng, *, n, max_len, stride):
        model = Model()
        ids = rng.integers(0, 50, (n,))
        before = ids.clone()
        yield "perplexity", impl.strided_perplexity(model.__call__, ids, max_len, stride)
        yield "windows", model.windows
        yield "input_ids unchanged", bool(torch.equal(ids, before))

    def valid(self, *, n, max_len, stride):
        return n > 1 and max_len > 1 and 0 < stride < max_len
