# exercise: bpe-train
# verdict: failed
# check: contract
# says: symbols
def merge_pair(symbols, pair):
    i = 0
    while i < len(symbols) - 1:
        if (symbols[i], symbols[i + 1]) == tuple(pair):
            symbols[i : i + 2] = [pair[0] + pair[1]]
        i += 1
    return symbols


def train_bpe(word_counts, num_merges):
    return [], []
