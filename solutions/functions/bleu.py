"""Corpus BLEU, Papineni et al. 2002 (https://aclanthology.org/P02-1040/), sections 2.1 to 2.3.

Add-k smoothing: Chen and Cherry 2014 (https://aclanthology.org/W14-3346/), method 2.
"""

import math
from collections import Counter


def ngram_counts(tokens: list[str], n: int) -> Counter[tuple[str, ...]]:
    """Return how often each n-gram, a tuple of n tokens, occurs."""
    # region blank: slide a window of n tokens
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))
    # endregion


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
    matches: Counter[int] = Counter()  # by n, over the corpus
    totals: Counter[int] = Counter()
    hyp_len = ref_len = 0
    for hyp, refs in zip(hypotheses, references, strict=True):
        # region blank: add the length of the hypothesis and of the reference closest to it
        hyp_len += len(hyp)
        ref_len += min((len(ref) for ref in refs), key=lambda length: (abs(length - len(hyp)), length))
        # endregion
        # region blank: add the n-grams, and how many of them the references allow
        for n in range(1, max_n + 1):
            counts = ngram_counts(hyp, n)
            allowed: Counter[tuple[str, ...]] = Counter()
            for ref in refs:
                allowed |= ngram_counts(ref, n)  # the larger count of both
            matches[n] += (counts & allowed).total()  # the smaller one
            totals[n] += counts.total()
        # endregion
    log_mean = 0.0
    for n in range(1, max_n + 1):
        # region blank: the precision, smoothed from bigrams on; of its logarithm, its share in the mean
        smoothing = k if n > 1 else 0.0
        if matches[n] + smoothing == 0:
            return 0.0
        log_mean += math.log((matches[n] + smoothing) / (totals[n] + smoothing)) / max_n
        # endregion
    # region blank: the brevity penalty
    log_penalty = min(0.0, 1 - ref_len / hyp_len)
    return 100 * math.exp(log_penalty + log_mean)
    # endregion
