"""Grader of corpus BLEU."""

from thinkllm_drill.grading import FunctionSuite, assert_growth, case, check, fail, title

# small corpora, each for one rule: sentences before the bar are hypotheses, those behind it their references
RULES = {
    "clipping": ["a a a b c d e | a b c d e f | f a b c d e"],
    "clipping by one reference": ["a b c d a b c | a b c d e f g | e a b c f d a"],
    "the first reference is not enough": ["a b c d e | d c b a e f | a b c d f e"],
    "several references": ["a b c d e f g | a b c x e f g y | x b c d e y g", "h a b c d | h a b d c | y x h a b c d"],
    "pooled": ["a b c d e f g h | a b c d e f g h", "x b y d z | a b c d e", "c d e f g a | c d e f a g"],
    "closest is longer": ["a b c d e f | a b c | a b c d e f g"],
    "closest is shorter": ["a b c d e f g | a b c d e f | a b c d e f g h i j k"],
    "equally close": [
        "a b c d e f | a b c d e f g | a b c d e",
        "b c d e f a | b c d e f | b c d e f a g",
        "a b c d e | a b c d e f g h i j",
    ],
    "across sentences": ["a b | a b", "c d | c d", "a b c d e | a b c d f"],
    "order of the sentences": ["a b c d e | a b c d e", "e d c b a | e d c a b"],
    "no match of four": ["a b c x d e f | a b c y d e f"],
    "no match at all": ["a b c d e | f g h i j"],
    "short sentences": ["a b c | a b c", "a b | a b x"],
    "an empty hypothesis": ["a b c d e f | a b c d e f", "| a b c | d"],
    "only empty hypotheses": ["| a b c"],
    "an empty reference": ["a b c d e | a b c d f | "],
    "the same": ["a b c d e | x y | a b c d e"],
    "spaces": ["a_b c d e f | a b_c d e f", "a b c d e f | a b c d e_f"],
    "capitals": ["A b C d e f g | a b C d e f g"],
    "blanks": ["a _ b _ c d e | a _ b _ c d f"],
}

WORDS = ["cat", "dog", "mat", "the", "is", "on", "a", "there", "it", "was", "of", "to", "and"]


def read(rng, corpus):
    """Hypotheses and references of a table; each letter stands for a word, `_` for a space inside or instead of one."""
    known = sorted({c for line in corpus for c in line.lower() if c.isalpha()})
    words = dict(zip(known, rng.sample(WORDS, len(known)), strict=False))

    def word(token):
        return "".join(" " if c == "_" else words.get(c) or words[c.lower()].upper() for c in token)

    split = [[[word(token) for token in part.split()] for part in line.split("|")] for line in corpus]
    return [parts[0] for parts in split], [parts[1:] for parts in split]


def drawn(rng, sentences, length, refs, cut):
    """Sentences over few words, some of them changed in the references, which are about `cut` words longer."""
    hypotheses, references = [], []
    for _ in range(sentences):
        words = [rng.choice("abcdefgh") for _ in range(length + rng.randint(0, 4))]
        hypotheses.append(words[:-cut] if cut > 0 else words + [rng.choice("xyz") for _ in range(-cut)])
        references.append([])
        for _ in range(rng.randint(1, refs + 1)):
            changed = [rng.choice("abcdefgh") if rng.random() < 0.15 else word for word in words[4:]]
            references[-1].append(words[:4] + changed + [rng.choice("uvw") for _ in range(rng.randint(0, 3))])
    return hypotheses, references


class TestNgramCounts(FunctionSuite):
    entry = "ngram_counts"
    cases = [
        case(en="bigrams", zh="二元组", length=8, n=2),
        case(en="unigrams", zh="一元组", length=8, n=1),
        case(en="trigrams", zh="三元组", length=12, n=3),
        case(en="runs of one word", zh="连续的同一个词", length=7, n=2, words="a"),
        case(en="words that read the same when joined", zh="拼起来相同的词", length=24, n=2, words="a ab b ba"),
    ]
    edges = [
        case(en="no token", zh="没有 token", length=0, n=1),
        case(en="fewer tokens than n", zh="token 数小于 n", length=2, n=4),
        case(en="as many tokens as n", zh="token 数等于 n", length=4, n=4),
        case(en="words with spaces", zh="含空格的词", length=24, n=2, words="a a_b b _ b_a"),
    ]

    def inputs(self, rng, *, length, n, words="a b c"):
        choices = [word.replace("_", " ") for word in words.split()]
        return {"tokens": [rng.choice(choices) for _ in range(length)], "n": n}

    def valid(self, *, n, **_):
        return n > 0

    def output(self, value, impl):
        return dict(value) if isinstance(value, dict) else value

    @title(en="a Counter", zh="返回 Counter")
    def test_counter(self, attempt):
        if not attempt.local("lambda f: __import__('collections').Counter is type(f(['a', 'b'], 1))")(
            attempt.ngram_counts
        ):
            fail(
                en="ngram_counts must return a collections.Counter, which counts 0 for what is missing.",
                zh="ngram_counts 应返回 collections.Counter，缺失的键计为 0。",
            )


class TestCorpusBleu(FunctionSuite):
    entry = "corpus_bleu"
    cases = [
        case(en="one sentence, one reference", zh="一句、一条参考", sentences=1, length=9, refs=1),
        case(en="repeated words are clipped", zh="重复的词要截断", of="clipping", max_n=1),
        case(en="clipped by one reference, not by all together", zh="按单条参考截断，而不是各条之和", of="clipping by one reference", max_n=2),
        case(en="the second reference counts, too", zh="第二条参考也算", of="the first reference is not enough"),
        case(en="several references", zh="多条参考", of="several references"),
        case(en="counts are summed over the corpus", zh="在整个语料上求和", of="pooled"),
        case(en="short hypotheses", zh="偏短的译文", sentences=2, length=9, refs=1, cut=3),
        case(en="long hypotheses", zh="偏长的译文", sentences=2, length=9, refs=1, cut=-3),
        case(en="the closest reference is the longer one", zh="最接近的参考较长", of="closest is longer"),
        case(en="the closest reference is the shorter one", zh="最接近的参考较短", of="closest is shorter"),
        case(en="two references equally close", zh="两条参考一样接近", of="equally close"),
        case(en="up to bigrams", zh="最多到二元组", sentences=2, length=7, refs=2, max_n=2),
        case(en="smoothed, k = 1", zh="平滑，k = 1", sentences=2, length=8, refs=2, cut=1, k=1.0),
        case(en="smoothed, k = 0.25, no 4-gram matches", zh="平滑，k = 0.25，没有四元组匹配", of="no match of four", k=0.25),
        case(en="many sentences", zh="很多句子", sentences=12, length=11, refs=3, cut=1),
    ]  # fmt: skip
    edges = [
        case(en="no 4-gram matches", zh="没有四元组匹配", of="no match of four"),
        case(en="nothing matches", zh="没有任何匹配", of="no match at all"),
        case(en="nothing matches, smoothed", zh="没有任何匹配，带平滑", of="no match at all", k=1.0),
        case(en="n-grams do not cross sentences", zh="n-gram 不跨句", of="across sentences"),
        case(en="each sentence has its own references", zh="每句只与自己的参考比较", of="order of the sentences"),
        case(en="sentences shorter than max_n", zh="句子短于 max_n", of="short sentences"),
        case(en="sentences shorter than max_n, smoothed", zh="句子短于 max_n，带平滑", of="short sentences", k=1.0),
        case(en="an empty hypothesis among others", zh="其中一句译文为空", of="an empty hypothesis"),
        case(en="only empty hypotheses", zh="译文全为空", of="only empty hypotheses", k=1.0),
        case(en="an empty reference", zh="一条参考为空", of="an empty reference"),
        case(en="no sentence", zh="没有句子", sentences=0, length=4, refs=1),
        case(en="equal to a reference", zh="与一条参考相同", of="the same"),
        case(en="tokens with spaces", zh="含空格的 token", of="spaces", max_n=2),
        case(en="tokens that are a space", zh="内容为空格的 token", of="blanks"),
        case(en="capitals", zh="大写字母", of="capitals"),
        case(en="up to 6-grams", zh="最多到六元组", sentences=3, length=15, refs=2, max_n=6, k=0.5),
    ]  # fmt: skip

    def inputs(self, rng, *, of=None, sentences=1, length=1, refs=1, cut=0, max_n=None, k=None):
        hypotheses, references = read(rng, RULES[of]) if of else drawn(rng, sentences, length, refs, cut)
        inputs = {"hypotheses": hypotheses, "references": references}
        if max_n is not None:
            inputs["max_n"] = max_n
        if k is not None:
            inputs["k"] = k
        return inputs

    def valid(self, *, max_n=4, refs=1, length=1, **_):
        return max_n > 0 and refs > 0 and length >= 0

    @check("cost")
    @title(en="linear in the number of tokens", zh="与 token 数成线性关系")
    def test_linear(self, attempt, rng):
        costs = []
        for length in (100, 200):
            hypotheses, references = drawn(rng, 1, length, 1, 0)
            words = [[[f"{word}{i % 50}" for i, word in enumerate(hypotheses[0])]], [[references[0][0]]]]
            costs.append(attempt.profile("corpus_bleu", *words, instructions=True))
        assert_growth(
            *costs,
            "instructions",
            at_most=2.6,
            en="From 100 tokens to 200 in one sentence: the n-grams are searched for again and again. Count them once.",
            zh="一句从 100 个 token 增到 200 个：n-gram 被反复查找。应只统计一遍。",
        )
