"""The whole table, filled backwards; matches taken off a list of what is left; F by reciprocals."""


def _measures(overlap, ours, theirs, beta):
    precision = overlap / ours if ours else 0.0
    recall = overlap / theirs if theirs else 0.0
    if not overlap:
        return precision, recall, 0.0
    weight = 1 / (1 + beta * beta)
    return precision, recall, 1 / (weight / precision + (1 - weight) / recall)


def rouge_n(candidate, reference, n, beta=1.0):
    left = {}
    for i in range(len(reference) - n + 1):
        gram = tuple(reference[i : i + n])
        left[gram] = left.get(gram, 0) + 1
    overlap = 0
    for i in range(len(candidate) - n + 1):
        gram = tuple(candidate[i : i + n])
        if left.get(gram):
            left[gram] -= 1
            overlap += 1
    return _measures(overlap, max(len(candidate) - n + 1, 0), max(len(reference) - n + 1, 0), beta)


def lcs_length(a, b):
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            if a[i] == b[j]:
                table[i][j] = 1 + table[i + 1][j + 1]
            else:
                table[i][j] = max(table[i + 1][j], table[i][j + 1])
    return table[0][0]


def rouge_l(candidate, reference, beta=1.0):
    return _measures(lcs_length(candidate, reference), len(candidate), len(reference), beta)
