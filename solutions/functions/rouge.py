"""ROUGE-N and ROUGE-L of one candidate and one reference, Lin 2004 (https://aclanthology.org/W04-1013/)."""

from collections import Counter


def measures(overlap: int, ours: int, theirs: int, beta: float) -> tuple[float, float, float]:
    """Return precision, recall and F of an overlap.

    Args:
        overlap: what candidate and reference have in common.
        ours, theirs: what was counted of the candidate, of the reference.
        beta: of the F measure; above 1 it favours recall.
    """
    # region blank: the three of them, without dividing by zero
    if overlap == 0:
        return 0.0, 0.0, 0.0
    precision, recall = overlap / ours, overlap / theirs
    return precision, recall, (1 + beta**2) * precision * recall / (recall + beta**2 * precision)
    # endregion


def rouge_n(candidate: list[str], reference: list[str], n: int, beta: float = 1.0) -> tuple[float, float, float]:
    """Return precision, recall and F of the n-grams that candidate and reference have in common.

    Args:
        candidate, reference: tokens, may be empty.
        n: tokens in an n-gram, at least 1.
        beta: of the F measure.
    """
    # region blank: count the n-grams of both, and those that match
    ours, theirs = (
        Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)) for tokens in (candidate, reference)
    )
    return measures((ours & theirs).total(), ours.total(), theirs.total(), beta)
    # endregion


def lcs_length(a: list[str], b: list[str]) -> int:
    """Return the length of the longest common subsequence: tokens in the same order, not always side by side."""
    # region blank: dynamic programming over pairs of prefixes, one row at a time
    row = [0] * (len(b) + 1)  # row[j]: of the part of a that was read, and b[:j]
    for token in a:
        diagonal = 0  # the row before, at j - 1
        for j, other in enumerate(b, start=1):
            best = diagonal + 1 if token == other else max(row[j], row[j - 1])
            diagonal, row[j] = row[j], best
    return row[-1]
    # endregion


def rouge_l(candidate: list[str], reference: list[str], beta: float = 1.0) -> tuple[float, float, float]:
    """Return precision, recall and F of the longest common subsequence.

    Args:
        candidate, reference: tokens, may be empty.
        beta: of the F measure.
    """
    # region blank: the same measures, of the subsequence
    return measures(lcs_length(candidate, reference), len(candidate), len(reference), beta)
    # endregion
