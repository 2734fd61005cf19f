"""A memoised recursion for the subsequence, sorted lists for the n-grams."""

from functools import cache


def lcs_length(a, b):
    @cache
    def length(i, j):
        if i == len(a) or j == len(b):
            return 0
        if a[i] == b[j]:
            return 1 + length(i + 1, j + 1)
        return max(length(i + 1, j), length(i, j + 1))

    return length(0, 0)


def _three(overlap, ours, theirs, beta):
    precision = overlap / ours if ours > 0 else 0.0
    recall = overlap / theirs if theirs > 0 else 0.0
    if precision == recall == 0:
        return (0.0, 0.0, 0.0)
    return (precision, recall, (1 + beta**2) * precision * recall / (recall + beta**2 * precision))


def rouge_n(candidate, reference, n, beta=1.0):
    ours, theirs = (sorted(tuple(text[i : i + n]) for i in range(len(text) - n + 1)) for text in (candidate, reference))
    i = j = overlap = 0
    while i < len(ours) and j < len(theirs):
        if ours[i] == theirs[j]:
            i, j, overlap = i + 1, j + 1, overlap + 1
        elif ours[i] < theirs[j]:
            i += 1
        else:
            j += 1
    return _three(overlap, len(ours), len(theirs), beta)


def rouge_l(candidate, reference, beta=1.0):
    return _three(lcs_length(candidate, reference), len(candidate), len(reference), beta)
