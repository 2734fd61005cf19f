# Generated from solutions/functions/rouge.py; do not edit. thinkllm dev render
"""ROUGE-N and ROUGE-L of one candidate and one reference, Lin 2004 (https://aclanthology.org/W04-1013/)."""

from collections import Counter


def measures(overlap: int, ours: int, theirs: int, beta: float) -> tuple[float, float, float]:
    """Return precision, recall and F of an overlap.

    Args:
        overlap: what candidate and reference have in common.
        ours, theirs: what was counted of the candidate, of the reference.
        beta: of the F measure; above 1 it favours recall.
    """
    raise NotImplementedError("blank 1: measures")


def rouge_n(candidate: list[str], reference: list[str], n: int, beta: float = 1.0) -> tuple[float, float, float]:
    """Return precision, recall and F of the n-grams that candidate and reference have in common.

    Args:
        candidate, reference: tokens, may be empty.
        n: tokens in an n-gram, at least 1.
        beta: of the F measure.
    """
    raise NotImplementedError("blank 2: rouge_n")


def lcs_length(a: list[str], b: list[str]) -> int:
    """Return the length of the longest common subsequence: tokens in the same order, not always side by side."""
    raise NotImplementedError("blank 3: lcs_length")


def rouge_l(candidate: list[str], reference: list[str], beta: float = 1.0) -> tuple[float, float, float]:
    """Return precision, recall and F of the longest common subsequence.

    Args:
        candidate, reference: tokens, may be empty.
        beta: of the F measure.
    """
    raise NotImplementedError("blank 4: rouge_l")
