"""Grader of byte-pair encoding training."""

from random import Random

from thinkllm_drill.grading import FunctionSuite, case, check, fail, title

WORDS = {
    "ties in tuple order": {"aba": 3, "abc": 3, "bca": 3, "bcb": 3, "cab": 3},
    "repeats": {"aaa": 2, "xyxy": 2, "bc": 3},
    "runs": {"aaaaaaa": 2, "aaaa": 3, "aaa": 1, "baab": 2, "aabaaa": 2},
    "boundary": {"ab": 3, "ba": 3, "aca": 5, "bcb": 5, "cc": 1},
    "one character": {"z": 4, "a": 9, "q": 1, "m": 2},
    "one of each": {"abcdefg": 1, "hij": 1, "k": 1},
    "spaces": {" the": 7, "the": 2, " then": 3, " a": 8, "\n\n": 4, " \t": 1, "e e": 2},
    "scripts": {"分词器": 4, "分词": 6, "词器": 3, "größe": 2, "größer": 2, "👍🏽": 3, "Zoo": 2, "zoo": 2, "éé": 2},
}


def spelled(text):
    """The symbols of a text with a blank between them; ␣ is a space."""
    return [symbol.replace("␣", " ") for symbol in text.split()]


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
    ]  # fmt: skip

    def inputs(self, rng, *, length, symbols, pair, planted=""):
        word = spelled(planted) + [rng.choice(spelled(symbols)) for _ in range(length)]
        return {"symbols": word[:length], "pair": tuple(spelled(pair))}


class TestTrainBPE(FunctionSuite):
    entry = "train_bpe"
    outputs = ("merges", "vocab")
    cases = [
        case(en="a few words", zh="几个词", words=6, letters=4, length=5, most=4, num_merges=3),
        case(en="frequent and rare words", zh="高频词与低频词", words=12, letters=5, length=5, most=40, num_merges=8),
        case(en="many ties", zh="大量并列", words=20, letters=3, length=6, most=1, num_merges=60),
        case(en="runs of one letter", zh="连续的相同字母", words=8, letters=2, length=12, most=3, num_merges=10),
        case(en="words of one character", zh="单字符的词", of="one character", num_merges=4),
        case(en="pairs that a word holds twice", zh="一个词里出现两次的符号对", of="repeats", num_merges=4),
        case(en="many words", zh="很多词", words=80, letters=9, length=9, most=9, num_merges=60),
    ]
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
    ]  # fmt: skip

    def inputs(self, rng, *, num_merges, of=None, words=0, letters=1, length=1, most=1):
        if of is not None:
            table = WORDS[of]
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

    @check("cost")
    @title(en="words without the pair are left alone", zh="不碰不含该符号对的词")
    def test_words_without_the_pair(self, attempt, rng):
        seed = rng.randint(0, 2**32)
        few, many = (self.bytecodes_of_merges(attempt, Random(seed), others) for others in (50, 250))
        if many > 1.25 * few:  # the same merges: with an index they take the same steps
            fail(
                en=f"Twenty merges took {few} steps beside 50 words that they do not touch, and {many} beside 250: "
                "each merge looks at every word. Keep an index from pairs to words and update the counts.",
                zh=f"同样二十次合并，旁边有 50 个无关的词时执行 {few} 步，有 250 个时执行 {many} 步："
                "每次合并都看了所有的词。应维护从符号对到词的索引，并增量更新频次。",
            )

    def bytecodes_of_merges(self, attempt, random, others):
        """Bytecodes of merges 6 to 25, which all fall into a dozen frequent words, beside `others` rare ones."""
        table = {"".join(random.choices("abcdef", k=9)): 1000 + k for k in range(12)}
        while len(table) < 12 + others:
            table["".join(random.choices("xyz", k=8))] = 1
        few, many = (attempt.profile("train_bpe", table, merges, instructions=True) for merges in (5, 25))
        if few.packages:  # whose work does not show in bytecodes
            fail(
                en=f"train_bpe calls {', '.join(few.packages)}: the standard library is enough here.",
                zh=f"train_bpe 调用了 {'、'.join(few.packages)}：本题只用标准库。",
            )
        return many.instructions - few.instructions
