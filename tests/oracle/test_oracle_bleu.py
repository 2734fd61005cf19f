"""Corpus BLEU against sacrebleu on text that is tokenised by spaces.

sacrebleu takes references by number and not by sentence, and the same number for all; a missing one is None there.
"""

from __future__ import annotations

import warnings
from random import Random

import pytest


@pytest.fixture
def theirs(library):
    sacrebleu = library("sacrebleu")

    def score(hypotheses, references, max_n, k):
        method = {"smooth_method": "add-k", "smooth_value": k} if k else {"smooth_method": "none"}
        metric = sacrebleu.metrics.BLEU(tokenize="none", max_ngram_order=max_n, force=True, **method)
        most = max(len(refs) for refs in references)
        streams = [[" ".join(refs[i]) if i < len(refs) else None for refs in references] for i in range(most)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return metric.corpus_score([" ".join(hyp) for hyp in hypotheses], streams).score

    return score


def drawn(random, sentences, length, words, refs):
    hypotheses = [[random.choice(words) for _ in range(random.randint(1, length))] for _ in range(sentences)]
    references = [
        [
            [random.choice(words) if random.random() < 0.2 else word for word in hyp][random.randint(0, 2) :]
            + random.choices(words, k=random.randint(0, 4))
            for _ in range(random.randint(1, refs))
        ]
        for hyp in hypotheses
    ]
    return hypotheses, [[ref or ["z"] for ref in refs] for refs in references]


@pytest.mark.parametrize("k", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("max_n", [1, 2, 4, 6])
@pytest.mark.parametrize(("sentences", "length", "refs"), [(1, 12, 1), (3, 9, 2), (20, 15, 3), (5, 3, 2)])
def test_corpora(solution, theirs, sentences, length, refs, max_n, k):
    for seed in range(12):
        corpus = drawn(Random(seed), sentences, length, "abcdefg", refs)
        ours = solution("bleu").corpus_bleu(*corpus, max_n=max_n, k=k)
        assert ours == pytest.approx(theirs(*corpus, max_n, k), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("k", [0.0, 1.0])
def test_no_matches_and_empty_hypotheses(solution, theirs, k):
    for corpus in (
        ([["a", "b"]], [[["c", "d"]]]),
        ([[]], [[["c", "d"]]]),
        ([[], ["a", "b", "c", "d"]], [[["c", "d"]], [["a", "b", "c", "d", "e"]]]),
        ([["a", "b"]], [[["a", "b"]]]),
    ):
        ours = solution("bleu").corpus_bleu(*corpus, k=k)
        assert ours == pytest.approx(theirs(*corpus, 4, k), rel=1e-12, abs=1e-12)


def test_ngrams(solution, library):
    helpers = library("sacrebleu.metrics.helpers")
    tokens = Random(0).choices("abc", k=40)
    right, _ = helpers.extract_all_word_ngrams(" ".join(tokens), 1, 5)
    ours = solution("bleu").ngram_counts
    assert sum((ours(tokens, n) for n in range(2, 6)), ours(tokens, 1)) == right
