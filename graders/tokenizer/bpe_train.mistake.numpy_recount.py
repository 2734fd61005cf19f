"""Counts all pairs again at each merge, in numpy."""

import numpy as np


def merge_pair(symbols, pair):
    merged = []
    for symbol in symbols:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return merged


def train_bpe(word_counts, num_merges):
    symbols = sorted(set("".join(word_counts)))
    number = {symbol: index for index, symbol in enumerate(symbols)}
    tokens = np.array([number.get(c, -1) for word in word_counts for c in [*word, None]], dtype=np.int64)
    weights = np.repeat([*word_counts.values()], [len(word) + 1 for word in word_counts]) if word_counts else tokens
    merges = []
    while len(merges) < num_merges:
        inside = np.flatnonzero((tokens[:-1] >= 0) & (tokens[1:] >= 0))
        if not len(inside):
            break
        pairs, which = np.unique(np.stack([tokens[inside], tokens[inside + 1]], 1), axis=0, return_inverse=True)
        counts = np.bincount(which.reshape(-1), weights[inside])
        best = min(
            (symbols[left], symbols[right], left, right) for left, right in pairs[counts == counts.max()].tolist()
        )
        places = []
        for place in inside[(tokens[inside] == best[2]) & (tokens[inside + 1] == best[3])].tolist():
            if not places or places[-1] != place - 1:
                places.append(place)
        tokens[places] = len(symbols)
        gone = np.array(places) + 1
        tokens, weights = np.delete(tokens, gone), np.delete(weights, gone)
        merges.append(best[:2])
        symbols.append(best[0] + best[1])
    return merges, symbols
