# exercise: bpe-train
# verdict: failed
# check: wrong contract
def merge_pair(symbols, pair):
    return {float("nan"): 1, (): 2, None: {1: 2}, frozenset(): float("nan")}


def train_bpe(word_counts, num_merges):
    return {}, {}
