"""Grader of byte-pair encoding training."""

from random import Random

from thinkllm_drill.grading import FunctionSuite, assert_equal, case, check, fail, title

# small tables, each for one rule: the words stay in their order, the letters stand for others in the same order
RULES = {
    "no ties": {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5},
    "frequencies": {"cd": 1, "dcd": 1, "cdc": 1, "ab": 9},
    "frequencies after a merge": {"abc": 5, "ab": 1, "de": 3},
    "ties": {"cd": 2, "ef": 2, "ab": 2},
    "ties of the first symbol": {"bd": 4, "bc": 4, "ae": 1},
    "ties of joined symbols": {"bd": 20, "ab": 9, "abc": 3, "abd": 3},
    "overlaps": {"bc": 3, "aaa": 2},
    "repeats": {"aaa": 2, "xyxy": 2, "bc": 3},
    "counts that fall": {"abc": 4, "ab": 6, "bc": 3},
    "pairs that are left": {"abcab": 2, "bc": 9},
    "one character": {"z": 4, "a": 9, "q": 1, "m": 2},
    "one of each": {"abcdefg": 1, "hij": 1, "k": 1},
    "ties in tuple order": {"aba": 3, "abc": 3, "bca": 3, "bcb": 3, "cab": 3},
    "runs": {"aaaaaaa": 2, "aaaa": 3, "aaa": 1, "baab": 2, "aabaaa": 2},
    "boundary": {"ab": 3, "ba": 3, "aca": 5, "bcb": 5, "cc": 1},
}
CHARACTERS = {
    "spaces": {" the": 7, "the": 2, " then": 3, " a": 8, "\n\n": 4, " \t": 1, "e e": 2},
    "scripts": {"分词器": 4, "分词": 6, "词器": 3, "größe": 2, "größer": 2, "👍🏽": 3, "Zoo": 2, "zoo": 2, "éé": 2},
    "accents and ligatures": {"e\u0301t": 4, "\u00e9t": 3, "\ufb01n": 2, "fin": 2, "x\u00b2": 2, "x2": 1},
    "code points": {"\U0001f600x": 2, "\uff21x": 2, "\u4e00x": 2, "zx": 2, "Zx": 2},
    "separators": {"a\0b": 3, "a|b": 3, "a_b": 2, "a,b": 2, "a</w>b": 2, "\x01a b": 2, "a\x1fb\0": 2, "a▁b": 2},
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
BETWEEN = " ".join(f"a {symbol} b" for symbol in ("␣", "␀", "|", "_", ",", "\x1f", "\n", "▁", "</w>"))
NEW_LISTS = """
def new_lists(merge, words, pair):
    return [len({id(symbols) for symbols in (word, merge(word, pair), merge(word, pair))}) == 3 for word in words]
"""


def spelled(text):
    """The symbols of a text with blanks between them; ␣ is a space and ␀ the character 0."""
    return [symbol.replace("␣", " ").replace("␀", "\0") for symbol in text.split(" ") if symbol]


class TestMergePair(FunctionSuite):
    entry = "merge_pair"
    cases = [
        case(en="two letters", zh="两种字母", length=12, symbols="a b", pair="a b", planted="a b b a b"),
        case(en="the same symbol twice", zh="两个相同的符号", length=14, symbols="a a b", pair="a a", planted="b a a a b"),
        case(en="symbols of several letters", zh="多字母的符号", length=24, symbols="a b ab ba", pair="ab ba", planted="ab ba ba ab ba"),
        case(en="pairs that read the same", zh="拼起来相同的符号对", length=20, symbols="a ab b bb", pair="ab b", planted="a bb ab b"),
        case(en="one symbol ends in another", zh="一个符号以另一个结尾", length=20, symbols="t st es e", pair="t e", planted="st e t es t e"),
        case(en="other scripts", zh="其他文字", length=24, symbols="分 词 分词 器 é", pair="分 词", planted="分词 分 词 器"),
    ]  # fmt: skip
    edges = [
        case(en="no symbol", zh="没有符号", length=0, symbols="a b", pair="a b"),
        case(en="one symbol", zh="只有一个符号", length=1, symbols="a", pair="a a"),
        case(en="three of a kind", zh="三个相同的符号", length=3, symbols="a", pair="a a"),
        case(en="four of a kind", zh="四个相同的符号", length=4, symbols="a", pair="a a"),
        case(en="the pair is not there", zh="没有该符号对", length=9, symbols="a b c", pair="c d"),
        case(en="the pair and nothing else", zh="只有该符号对", length=2, symbols="lo", pair="lo lo"),
        case(en="symbols with spaces", zh="含空格的符号", length=12, symbols="␣ a ␣a b", pair="␣a b", planted="a b ␣a b"),
        case(en="any character between the two", zh="两者之间隔着任意字符", length=27, symbols="a b", pair="a b", planted=BETWEEN),
    ]  # fmt: skip

    def inputs(self, rng, *, length, symbols, pair, planted=""):
        word = spelled(planted) + [rng.choice(spelled(symbols)) for _ in range(length)]
        return {"symbols": word[:length], "pair": tuple(spelled(pair))}

    @title(en="a new list at every call", zh="每次调用都返回新列表")
    def test_new_list(self, attempt, rng):
        words = [[], ["a"], ["b", "a"], ["a", "b", "a"]]
        if not all(attempt.local(NEW_LISTS)(attempt.merge_pair, words, ("a", "b"))):
            fail(
                en="merge_pair returns the list that it was given, or the same list at two calls. "
                "Return a new one, also where nothing is joined.",
                zh="merge_pair 返回了传入的那个列表，或两次调用返回了同一个列表。应返回新列表，没有可合并的也一样。",
            )


class TestTrainBPE(FunctionSuite):
    entry = "train_bpe"
    outputs = ("merges", "vocab")
    cases = [
        case(en="a few words, no ties", zh="几个词，没有并列", of="no ties", num_merges=4),
        case(en="word frequencies", zh="词频", of="frequencies", num_merges=1),
        case(en="word frequencies after a merge", zh="合并之后的词频", of="frequencies after a merge", num_merges=2),
        case(en="ties: the smallest pair", zh="并列：取最小的符号对", of="ties", num_merges=2),
        case(en="ties of the first symbol", zh="并列：第一个符号相同", of="ties of the first symbol", num_merges=2),
        case(en="ties: (a, bd) before (ab, c)", zh="并列：(a, bd) 先于 (ab, c)", of="ties of joined symbols", num_merges=3),
        case(en="overlapping positions count", zh="重叠的位置也计数", of="overlaps", num_merges=1),
        case(en="pairs that a word holds twice", zh="一个词里出现两次的符号对", of="repeats", num_merges=4),
        case(en="counts that fall with a merge", zh="因合并而减少的频次", of="counts that fall", num_merges=3),
        case(en="pairs that a word still holds after a merge", zh="合并后词中仍有的符号对", of="pairs that are left", num_merges=4),
        case(en="words of one character", zh="单字符的词", of="one character", num_merges=4),
        case(en="frequent and rare words", zh="高频词与低频词", words=12, letters=5, length=5, most=40, num_merges=8),
        case(en="many ties", zh="大量并列", words=20, letters=3, length=6, most=1, num_merges=60),
        case(en="runs of one letter", zh="连续的相同字母", words=8, letters=2, length=12, most=3, num_merges=10),
        case(en="many words", zh="很多词", words=60, letters=9, length=8, most=9, num_merges=40),
    ]  # fmt: skip
    edges = [
        case(en="no word", zh="没有词", words=0, letters=3, length=4, most=3, num_merges=5),
        case(en="no merge", zh="合并数为零", words=6, letters=4, length=5, most=3, num_merges=0),
        case(en="more merges than there are pairs", zh="合并数多于符号对", words=4, letters=3, length=5, most=3, num_merges=60),
        case(en="every pair occurs once", zh="每个符号对只出现一次", of="one of each", num_merges=20),
        case(en="one letter only", zh="只有一种字母", words=5, letters=1, length=23, most=3, num_merges=30),
        case(en="ties among merged symbols", zh="合并后符号的并列", of="ties in tuple order", num_merges=12),
        case(en="overlapping pairs", zh="重叠的符号对", of="runs", num_merges=12),
        case(en="pairs across two words", zh="跨词的符号对", of="boundary", num_merges=6),
        case(en="spaces inside words", zh="词内的空格", of="spaces", num_merges=20),
        case(en="other scripts", zh="其他文字", of="scripts", num_merges=30),
        case(en="accents and ligatures as they are written", zh="组合重音与连字保持原样", of="accents and ligatures", num_merges=12),
        case(en="order of code points", zh="码点的顺序", of="code points", num_merges=5),
        case(en="characters that others use as separators", zh="常被用作分隔符的字符", of="separators", num_merges=20),
    ]  # fmt: skip

    def inputs(self, rng, *, num_merges, of=None, words=0, letters=1, length=1, most=1):
        if of in RULES:
            known = sorted(set("".join(RULES[of])))
            other = dict(zip(known, sorted(rng.sample(LETTERS, len(known))), strict=True))
            table = {"".join(other[c] for c in word): count for word, count in RULES[of].items()}
            return {"word_counts": table, "num_merges": num_merges}
        if of is not None:
            table = CHARACTERS[of]
        else:
            alphabet = rng.sample("abdeghilnorstuwyzé", max(1, letters))
            table = {}
            for _ in range(words):
                word = "".join(rng.choice(alphabet) for _ in range(rng.randint(1, max(1, length) + 1)))
                table[word] = rng.randint(1, max(1, most) + 1)
        return {"word_counts": {word: table[word] for word in rng.shuffle(list(table))}, "num_merges": num_merges}

    @title(en="the order of the words does not matter", zh="词的先后顺序不影响结果")
    def test_order_of_words(self, attempt, rng):
        table = self.inputs(rng, words=20, letters=3, length=6, most=2, num_merges=15)["word_counts"]
        answers = [
            attempt.train_bpe(word_counts={word: table[word] for word in order}, num_merges=15)
            for order in (sorted(table), sorted(table, reverse=True))
        ]
        if answers[0] != answers[1]:
            fail(
                en="The same words in another order give other merges: break ties by the pair, not by what came first.",
                zh="同样的词换个顺序，合并结果就变了：并列时应按符号对本身决定，而不是按先后。",
            )

    @title(en="each call starts afresh", zh="每次调用都从头开始")
    def test_starts_afresh(self, attempt, reference, rng):
        # the same words, cut in another way because their counts differ
        for ab, bc in ((8, 2), (2, 8)):
            table = {"abcxy": 1, "ab": ab, "bc": bc, "xy": 4}
            answer = attempt.train_bpe(word_counts=table, num_merges=5)
        assert_equal(
            answer,
            reference.train_bpe(word_counts=table, num_merges=5),
            en="The merges are wrong after a call with the same words and other counts: keep nothing between calls.",
            zh="先用同样的词、不同的词频调用过一次，再调用结果就错了：两次调用之间不要保留任何东西。",
        )

    @check("cost")
    @title(en="words without the pair are left alone", zh="不碰不含该符号对的词")
    def test_words_without_the_pair(self, attempt, rng):
        seed = rng.randint(0, 2**32)
        few, many = (self.bytecodes_of_merges(attempt, Random(seed), others) for others in (30, 150))
        if many > 1.1 * few:  # the same merges: with an index they take the same steps
            fail(
                en=f"Ten merges took {few} steps beside 30 words that hold the characters of their pairs, but not the "
                f"pairs, and {many} beside 150: they look at words that do not change. Keep an index from pairs to "
                "words, and update the counts by the words that do.",
                zh=f"同样十次合并，旁边有 30 个含有相关字符、但不含这些符号对的词时执行 {few} 步，有 150 个时执行 {many} 步："
                "合并时访问了不会改变的词。应维护从符号对到词的索引，并只按发生变化的词更新频次。",
            )

    def bytecodes_of_merges(self, attempt, random, others):
        """Bytecodes of merges 3 to 12, which all fall into eight frequent words, beside `others` rare ones."""
        table = {}
        while len(table) < 8:
            table["".join(random.choices("abcd", k=8))] = 1000 + len(table)
        while len(table) < 8 + others:
            table["".join(letter + random.choice("xy") for letter in random.sample("abcd", 4))] = 1
        few, many = (attempt.profile("train_bpe", table, merges, instructions=True) for merges in (2, 12))
        if few.packages:  # whose work does not show in bytecodes
            fail(
                en=f"train_bpe calls {', '.join(few.packages)}: the standard library is enough here.",
                zh=f"train_bpe 调用了 {'、'.join(few.packages)}：本题只用标准库。",
            )
        return many.instructions - few.instructions
