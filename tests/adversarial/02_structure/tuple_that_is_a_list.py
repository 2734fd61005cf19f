# exercise: bpe-train
# verdict: failed
# check: contract
"""Two lists where a tuple of two lists is asked for."""


def merge_pair(symbols, pair):
    merged, i = [], 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == tuple(pair):
            merged.append(pair[0] + pair[1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return merged


def train_bpe(word_counts, num_merges):
    return [[], sorted(set("".join(word_counts)))]
