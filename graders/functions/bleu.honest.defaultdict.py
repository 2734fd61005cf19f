"""Plain dictionaries of slices, matches taken off what is left of each reference, logarithms of products."""

import collections
import math


def ngram_counts(tokens, n):
    return collections.Counter([tuple(tokens[i : i + n]) for i in range(max(len(tokens) - n + 1, 0))])


def _matched(hyp, refs, n):
    budget = collections.defaultdict(int)
    for ref in refs:
        counts = ngram_counts(ref, n)
        for gram in counts:
            if counts[gram] > budget[gram]:
                budget[gram] = counts[gram]
    found = 0
    for i in range(len(hyp) - n + 1):
        gram = tuple(hyp[i : i + n])
        if budget[gram] > 0:
            budget[gram] -= 1
            found += 1
    return found


def corpus_bleu(hypotheses, references, max_n=4, k=0.0):
    pairs = list(zip(hypotheses, references, strict=True))
    c = sum(len(hyp) for hyp, _ in pairs)
    r = 0
    for hyp, refs in pairs:
        best = None
        for ref in refs:
            key = (abs(len(ref) - len(hyp)), len(ref))
            best = key if best is None else min(best, key)
        r += best[1]
    log_sum = 0.0
    for n in range(1, max_n + 1):
        matches = sum(_matched(hyp, refs, n) for hyp, refs in pairs)
        total = sum(max(len(hyp) - n + 1, 0) for hyp, _ in pairs)
        if n == 1 and matches == 0:
            return 0.0
        if n > 1:
            matches, total = matches + k, total + k
        if matches == 0:
            return 0.0
        log_sum += math.log(matches) - math.log(total)
    log_bleu = log_sum / max_n + (1 - r / c if c < r else 0.0)
    return 100 * math.e**log_bleu
