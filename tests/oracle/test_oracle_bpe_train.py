"""Byte-pair encoding against tokenizers' BpeTrainer.

Both merge the most frequent pair. Of equal ones tokenizers takes the one whose symbols got their numbers first: for
characters that is their own order, as in the statement; for merged symbols it is the order of merging, which is not. So
the tables here have no tie that involves a merged symbol; `clear` counts every pair anew to know.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from random import Random

import pytest

ALPHABETS = {"three letters": "abc", "few": "abcdefg", "many": "abdeghilnorstuwyzé", "scripts": "分词器é👍 x"}


@pytest.fixture
def trained(library):
    """trained(word_counts, num_merges): the first merges of tokenizers' trainer, and its vocabulary in order."""
    tokenizers = library("tokenizers")

    def train(word_counts, num_merges):
        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
        # words come apart at line breaks, which belong to none of them
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("\n", "removed")
        size = len(set("".join(word_counts))) + num_merges
        trainer = tokenizers.trainers.BpeTrainer(vocab_size=size, min_frequency=0, show_progress=False)
        tokenizer.train_from_iterator(["\n".join([word] * n) for word, n in word_counts.items()], trainer)
        model = json.loads(tokenizer.to_str())["model"]
        return [tuple(pair) for pair in model["merges"]], sorted(model["vocab"], key=model["vocab"].get)

    return train


def drawn(random, alphabet, words, length, most):
    table = {}
    for _ in range(words):
        word = "".join(random.choice(alphabet) for _ in range(random.randint(1, length)))
        table[word] = random.randint(1, most)
    return table


def clear(word_counts, merge_pair, num_merges):
    """The merges up to the first tie that involves a merged symbol, or a symbol that is made twice; by brute force."""
    words = [(list(word), n) for word, n in word_counts.items()]
    merges, made = [], set("".join(word_counts))
    while len(merges) < num_merges:
        counts = Counter()
        for symbols, n in words:
            for pair in pairwise(symbols):
                counts[pair] += n
        if not counts:
            break
        most = max(counts.values())
        best = sorted(pair for pair, n in counts.items() if n == most)
        if len(best) > 1 and any(len(symbol) > 1 for pair in best for symbol in pair):
            break
        if "".join(best[0]) in made:
            break
        made.add("".join(best[0]))
        merges.append(best[0])
        words = [(merge_pair(symbols, best[0]), n) for symbols, n in words]
    return merges


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("seed", range(6))
def test_merges_and_vocabulary(solution, trained, alphabet, seed):
    bpe = solution("bpe_train")
    table = drawn(Random(seed), ALPHABETS[alphabet], 200, 7, 500)
    merges = clear(table, bpe.merge_pair, 40)
    assert len(merges) >= 10
    ours = bpe.train_bpe(table, len(merges))
    assert ours == trained(table, len(merges))
    assert ours[0] == merges


def test_ties_of_characters_go_by_their_order(solution, trained):
    bpe = solution("bpe_train")
    for seed in range(40):
        table = drawn(Random(seed), "abcd", 6, 3, 2)
        merges = clear(table, bpe.merge_pair, 4)
        assert bpe.train_bpe(table, len(merges)) == trained(table, len(merges))


def test_runs_and_overlaps(solution, trained):
    bpe = solution("bpe_train")
    for table in ({"aaaaaaa": 2, "aaaa": 3, "aaa": 1, "b": 1}, {"aaabdaaabac": 1}, {"xyxyxy": 4, "yxy": 3, "xx": 1}):
        merges = clear(table, bpe.merge_pair, 9)
        assert bpe.train_bpe(table, len(merges)) == trained(table, len(merges))


def test_training_goes_on_until_no_pair_is_left(solution, trained):
    table = {"abcd": 100, "bc": 50, "ef": 7}
    merges, vocab = trained(table, 50)
    assert solution("bpe_train").train_bpe(table, 50) == (merges, vocab)
    assert len(merges) == 4


@pytest.mark.parametrize("seed", range(10))
def test_merge_pair_is_what_encoding_with_one_merge_gives(solution, library, seed):
    tokenizers = library("tokenizers")
    random = Random(seed)
    pair = (random.choice("ab"), random.choice("ab"))
    vocab = {symbol: n for n, symbol in enumerate(["a", "b", "c", "".join(pair)])}
    model = tokenizers.models.BPE(vocab=vocab, merges=[pair])
    for _ in range(50):
        word = "".join(random.choice("aabbc") for _ in range(random.randint(1, 12)))
        assert solution("bpe_train").merge_pair(list(word), pair) == [token.value for token in model.tokenize(word)]
