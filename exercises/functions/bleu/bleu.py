# Generated from solutions/functions/bleu.py; do not edit. thinkllm dev render
"""Corpus BLEU, Papineni et al. 2002 (https://aclanthology.org/P02-1040/), sections 2.1 to 2.3.

Add-k smoothing: Chen and Cherry 2014 (https://aclanthology.org/W14-3346/), method 2.
"""

import math
from collections import Counter


def ngram_counts(tokens: list[str], n: int) -> Counter[tuple[str, ...]]:
    """Return how often each n-gram, a tuple of n tokens, occurs."""
    raise NotImplementedError("blank 1: ngram_counts")


def corpus_bleu(
    hypotheses: list[list[str]], references: list[list[list[str]]], max_n: int = 4, k: float = 0.0
) -> float:
    """Return BLEU in [0, 100] of a corpus.

    Args:
        hypotheses: one list of tokens a sentence.
        references: for each sentence its references, at least one list of tokens.
        max_n: the longest n-grams.
        k: added to matches and totals of n-grams of two tokens or more.
    """
    raise NotImplementedError("blank 2: corpus_bleu")
