"""Statistics of a sentence first, added up as vectors; precisions in percent, the penalty as a factor."""

import math
from collections import Counter


def ngram_counts(tokens, n):
    counts = Counter()
    for start in range(len(tokens) - n + 1):
        counts[tuple(tokens[start : start + n])] += 1
    return counts


def statistics(hyp, refs, max_n):
    most = {}
    for ref in refs:
        for n in range(1, max_n + 1):
            for ngram, count in ngram_counts(ref, n).items():
                most[ngram] = max(most.get(ngram, 0), count)
    closest = sorted(map(len, refs), key=lambda size: (abs(size - len(hyp)), size))[0]
    correct = [0] * max_n
    for n in range(1, max_n + 1):
        for ngram, count in ngram_counts(hyp, n).items():
            correct[n - 1] += min(count, most.get(ngram, 0))
    total = [max(0, len(hyp) - n + 1) for n in range(1, max_n + 1)]
    return [len(hyp), closest, *correct, *total]


def corpus_bleu(hypotheses, references, max_n=4, k=0.0):
    rows = [statistics(hyp, refs, max_n) for hyp, refs in zip(hypotheses, references, strict=True)]
    if not rows:
        return 0.0
    c, r, *counts = [sum(column) for column in zip(*rows, strict=True)]
    correct, total = counts[:max_n], counts[max_n:]
    if not any(correct):
        return 0.0
    product = 1.0
    for n in range(max_n):
        if n:
            correct[n] += k
            total[n] += k
        if correct[n] == 0:
            return 0.0
        product *= correct[n] / total[n]
    penalty = 1.0 if c >= r else math.exp(1 - r / c)
    return 100.0 * penalty * product ** (1 / max_n)
