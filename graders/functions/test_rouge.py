"""Grader of ROUGE-N, ROUGE-L and the longest common subsequence."""

from thinkllm_drill.grading import FunctionSuite, assert_equal, assert_growth, case, check, title

# pairs of texts, each for one rule; letters stand for words, `_` for a space in one
PAIRS = {
    "more often in the candidate": ("a b a b a b c", "a b c d"),
    "more often in the reference": ("a b c d", "a b a b a b c"),
    "turned round": ("a b c d e", "e d c b a"),
    "apart": ("a x b y c z d", "a b c d"),
    "two runs": ("a b c d x y e f g", "e f g a b c d"),
    "greedy": ("a b c d e f", "f a b c d e"),
    "skips": ("x a x b x c", "a x b x c x"),
    "repeats": ("a a b a a", "a b a b a"),
    "longest block misleads": ("a b c d e f g h", "c d e a x b y f g h"),
    "same": ("a b c d", "a b c d"),
    "nothing in common": ("a b c d", "e f g h i"),
    "no candidate": ("", "a b c"),
    "no reference": ("a b c", ""),
    "nothing at all": ("", ""),
    "shorter than n": ("a b", "a b c d e"),
    "spaces": ("a_b c a b c", "a b_c a b_c"),
    "read the same": ("ab a abb b", "a bab ab bb"),
    "capitals": ("A b C a", "a b c A"),
}
WORDS = ["cat", "dog", "mat", "the", "is", "on", "there", "it", "was", "of", "to", "and", "bed", "found", "under"]


def pair(rng, *, of=None, candidate=1, reference=1, words=4):
    """Two lists of tokens: of the table with other words, or drawn."""
    if of is None:
        choices = rng.sample(WORDS, max(1, words))
        return [[rng.choice(choices) for _ in range(size)] for size in (candidate, reference)]
    if of in ("read the same", "capitals"):
        return [text.split() for text in PAIRS[of]]
    known = sorted(set("".join(PAIRS[of])) - {" ", "_"})
    other = {"_": " "} | dict(zip(known, rng.sample(WORDS, len(known)), strict=True))
    return [["".join(map(other.__getitem__, token)) for token in text.split()] for text in PAIRS[of]]


class RougeSuite(FunctionSuite):
    """What ROUGE-N and ROUGE-L have in common."""

    outputs = ("precision", "recall", "F")

    def inputs(self, rng, *, n=None, beta=None, **which):
        candidate, reference = pair(rng, **which)
        inputs = {"candidate": candidate, "reference": reference}
        if n is not None:
            inputs["n"] = n
        if beta is not None:
            inputs["beta"] = beta
        return inputs

    def valid(self, *, n=1, **_):
        return n > 0


class TestRougeN(RougeSuite):
    entry = "rouge_n"
    cases = [
        case(en="unigrams", zh="一元组", of="apart", n=1),
        case(en="bigrams of random texts", zh="随机文本的二元组", candidate=14, reference=19, words=3, n=2),
        case(en="more often in the candidate", zh="候选中出现得更多", of="more often in the candidate", n=1),
        case(en="more often in the reference", zh="参考中出现得更多", of="more often in the reference", n=2),
        case(en="in another order", zh="顺序不同", of="two runs", n=2),
        case(en="β = 2", zh="β = 2", of="apart", n=1, beta=2.0),
        case(en="β = 0.5", zh="β = 0.5", of="more often in the reference", n=1, beta=0.5),
        case(en="trigrams", zh="三元组", candidate=23, reference=17, words=2, n=3),
    ]
    edges = [
        case(en="nothing in common", zh="没有公共部分", of="nothing in common", n=1),
        case(en="no candidate", zh="候选为空", of="no candidate", n=1),
        case(en="no reference", zh="参考为空", of="no reference", n=1, beta=2.0),
        case(en="both empty", zh="两者都为空", of="nothing at all", n=2),
        case(en="a candidate shorter than n", zh="候选短于 n", of="shorter than n", n=3),
        case(en="both shorter than n", zh="两者都短于 n", of="shorter than n", n=6),
        case(en="the same text", zh="完全相同", of="same", n=4),
        case(en="words with spaces", zh="含空格的词", of="spaces", n=2),
        case(en="words that read the same when joined", zh="拼起来相同的词", of="read the same", n=2),
        case(en="capitals", zh="大写字母", of="capitals", n=1),
    ]

    @check("cost")
    @title(en="linear in the number of tokens", zh="与 token 数成线性关系")
    def test_linear(self, attempt):
        texts = [[f"w{i % 71}" for i in range(size)] for size in (200, 400)]
        costs = [attempt.profile("rouge_n", text, text[::-1], 2, instructions=True) for text in texts]
        assert_growth(
            *costs,
            "instructions",
            at_most=2.6,
            en="From 200 tokens to 400: the n-grams are searched for again and again. Count them once.",
            zh="从 200 个 token 到 400 个：n-gram 被反复查找。应只统计一遍。",
        )


class TestLcsLength(FunctionSuite):
    entry = "lcs_length"
    cases = [
        case(en="tokens apart", zh="不相邻的 token", of="apart"),
        case(en="two runs in the other order", zh="两段次序相反", of="two runs"),
        case(en="turned round", zh="顺序颠倒", of="turned round"),
        case(en="the first match misleads", zh="先匹配的会误导", of="greedy"),
        case(en="shifted by one", zh="错开一位", of="skips"),
        case(en="repeated tokens", zh="重复的 token", of="repeats"),
        case(en="the longest block misleads", zh="最长的连续段会误导", of="longest block misleads"),
        case(en="two words", zh="两种词", candidate=23, reference=31, words=2),
        case(en="many words", zh="很多种词", candidate=37, reference=29, words=9),
    ]
    edges = [
        case(en="nothing in common", zh="没有公共部分", of="nothing in common"),
        case(en="the first is empty", zh="第一个为空", of="no candidate"),
        case(en="the second is empty", zh="第二个为空", of="no reference"),
        case(en="both empty", zh="两者都为空", of="nothing at all"),
        case(en="the same text", zh="完全相同", of="same"),
        case(en="one token", zh="只有一个 token", candidate=1, reference=9, words=3),
        case(en="words with spaces", zh="含空格的词", of="spaces"),
        case(en="capitals", zh="大写字母", of="capitals"),
    ]

    def inputs(self, rng, **which):
        a, b = pair(rng, **which)
        return {"a": a, "b": b}

    @title(en="the same both ways", zh="交换两个参数结果不变")
    def test_symmetric(self, attempt, rng):
        a, b = pair(rng, candidate=30, reference=11, words=3)
        assert_equal(
            attempt.lcs_length(a=b, b=a),
            attempt.lcs_length(a=a, b=b),
            en="lcs_length(b, a) must be lcs_length(a, b)",
            zh="lcs_length(b, a) 应等于 lcs_length(a, b)",
        )

    @check("cost")
    @title(en="O(p · q) steps", zh="O(p · q) 步")
    def test_quadratic(self, attempt):
        texts = [([f"w{i % 5}" for i in range(size)], [f"w{i % 7}" for i in range(size)]) for size in (7, 14)]
        assert_growth(
            *(attempt.profile("lcs_length", *both, instructions=True) for both in texts),
            "instructions",
            at_most=6,
            en="From 7 tokens on both sides to 14 the steps should grow by a factor of 4: pairs of prefixes are visited "
            "again and again. Keep the results in a table.",
            zh="两边从 7 个 token 增到 14 个，步数应约为 4 倍：同一对前缀被反复访问。应把结果存进表里。",
        )


class TestRougeL(RougeSuite):
    entry = "rouge_l"
    cases = [
        case(en="tokens apart", zh="不相邻的 token", of="apart"),
        case(en="random texts", zh="随机文本", candidate=14, reference=19, words=3),
        case(en="in another order", zh="顺序不同", of="turned round"),
        case(en="β = 2", zh="β = 2", of="apart", beta=2.0),
        case(en="β = 0.5", zh="β = 0.5", of="more often in the reference", beta=0.5),
    ]
    edges = [
        case(en="nothing in common", zh="没有公共部分", of="nothing in common"),
        case(en="no candidate", zh="候选为空", of="no candidate", beta=2.0),
        case(en="no reference", zh="参考为空", of="no reference"),
        case(en="both empty", zh="两者都为空", of="nothing at all"),
        case(en="the same text", zh="完全相同", of="same"),
        case(en="repeated tokens", zh="重复的 token", of="more often in the candidate"),
    ]
