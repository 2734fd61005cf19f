"""ROUGE against rouge-score, whose tokenizer here only splits at spaces; it knows F1 alone."""

from __future__ import annotations

from random import Random

import pytest

METRICS = {"rouge1": 1, "rouge2": 2, "rouge3": 3}


class Spaces:
    def tokenize(self, text):
        return text.split()


@pytest.fixture
def theirs(library):
    scorer = library("rouge_score.rouge_scorer").RougeScorer([*METRICS, "rougeL"], tokenizer=Spaces())

    def score(candidate, reference):
        found = scorer.score(target=" ".join(reference), prediction=" ".join(candidate))
        return {name: (each.precision, each.recall, each.fmeasure) for name, each in found.items()}

    return score


def ours(rouge, candidate, reference):
    found = {name: rouge.rouge_n(candidate, reference, n) for name, n in METRICS.items()}
    return found | {"rougeL": rouge.rouge_l(candidate, reference)}


def same(mine, right):
    return all(mine[name] == pytest.approx(right[name], rel=1e-12) for name in right)


@pytest.mark.parametrize("words", ["ab", "abcd", "abcdefghijkl"])
@pytest.mark.parametrize("sizes", [(1, 5), (7, 7), (20, 13), (40, 61)], ids=str)
def test_random_texts(solution, theirs, sizes, words):
    rouge = solution("rouge")
    for seed in range(20):
        random = Random(seed)
        candidate, reference = (random.choices(words, k=size) for size in sizes)
        assert same(ours(rouge, candidate, reference), theirs(candidate, reference))


def test_empty_and_disjoint_texts(solution, theirs):
    rouge = solution("rouge")
    for candidate, reference in (
        ("", "a b"),
        ("a b", ""),
        ("", ""),
        ("a", "b"),
        ("a b", "a b c d"),
        ("a b c", "a b c"),
    ):
        assert same(ours(rouge, candidate.split(), reference.split()), theirs(candidate.split(), reference.split()))


def test_the_subsequence_has_the_length_that_the_library_traces_back(solution, library):
    trace = library("rouge_score.rouge_scorer").lcs_ind
    for seed in range(40):
        random = Random(seed)
        a, b = (random.choices("abcde", k=random.randint(0, 25)) for _ in range(2))
        assert solution("rouge").lcs_length(a, b) == len(trace(a, b))


def test_the_weighted_f_measure(solution, library):
    """rouge-score has none: scikit-learn's, of labels with as many hits, misses and false alarms."""
    fbeta = library("sklearn.metrics").fbeta_score
    candidate, reference = list("abcdexy"), list("abcdefghz")
    right, guess = [1] * 5 + [0] * 2 + [1] * 4, [1] * 5 + [1] * 2 + [0] * 4
    for beta in (0.5, 1.0, 2.0):
        wanted = pytest.approx(fbeta(right, guess, beta=beta), rel=1e-12)
        assert solution("rouge").rouge_n(candidate, reference, 1, beta)[2] == wanted
        assert solution("rouge").rouge_l(candidate, reference, beta)[2] == wanted
