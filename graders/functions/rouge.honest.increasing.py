"""The subsequence as a longest increasing one (Hunt and Szymanski); a memoised recursion would do as well."""

from bisect import bisect_left
from collections import Counter, defaultdict


def lcs_length(a, b):
    places = defaultdict(list)
    for position, token in enumerate(b):
        places[token].append(position)
    ends = []
    for token in a:
        for position in reversed(places.get(token, [])):
            at = bisect_left(ends, position)
            ends[at : at + 1] = [position]
    return len(ends)


def _f(p, r, beta):
    below = r + beta**2 * p
    return (1 + beta**2) * p * r / below if below > 0 else 0.0


def rouge_n(candidate, reference, n, beta=1.0):
    ours = Counter(zip(*[candidate[i:] for i in range(n)], strict=False))
    theirs = Counter(zip(*[reference[i:] for i in range(n)], strict=False))
    overlap = sum(min(count, theirs[gram]) for gram, count in ours.items())
    p = overlap / (sum(ours.values()) or 1)
    r = overlap / (sum(theirs.values()) or 1)
    return p, r, _f(p, r, beta)


def rouge_l(candidate, reference, beta=1.0):
    overlap = lcs_length(candidate, reference)
    p, r = (overlap / len(text) if text else 0.0 for text in (candidate, reference))
    return p, r, _f(p, r, beta)
