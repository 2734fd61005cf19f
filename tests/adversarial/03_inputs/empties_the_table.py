# exercise: bpe-train
# verdict: failed
# check: contract
# says: word_counts
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
    words = [(list(word), word_counts[word]) for word in word_counts]
    vocab = sorted({letter for word, _ in words for letter in word})
    word_counts.clear()
    merges = []
    while len(merges) < num_merges:
        counts = {}
        for word, n in words:
            for i in range(len(word) - 1):
                pair = word[i], word[i + 1]
                counts[pair] = counts.get(pair, 0) + n
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        vocab.append(best[0] + best[1])
        words = [(merge_pair(word, best), n) for word, n in words]
    return merges, vocab
