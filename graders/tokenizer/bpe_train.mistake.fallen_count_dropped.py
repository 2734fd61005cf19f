"""A heap with stale entries, in which a pair whose count has only fallen has no entry any more."""

import heapq
from collections import Counter, defaultdict
from itertools import pairwise


def merge_pair(symbols, pair):
    merged = []
    i = 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            merged.append(pair[0] + pair[1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return merged


def train_bpe(word_counts, num_merges):
    words = {word: list(word) for word in word_counts}
    counts, holders = Counter(), defaultdict(set)
    for word, symbols in words.items():
        for pair in pairwise(symbols):
            counts[pair] += word_counts[word]
            holders[pair].add(word)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    merges, vocab = [], sorted(set("".join(word_counts)))
    while heap and len(merges) < num_merges:
        negative, best = heapq.heappop(heap)
        if counts[best] != -negative or not negative:
            continue
        merges.append(best)
        vocab.append(best[0] + best[1])
        made = set()
        for word in holders.pop(best):
            for pair in pairwise(words[word]):
                counts[pair] -= word_counts[word]
            words[word] = merge_pair(words[word], best)
            for pair in pairwise(words[word]):
                counts[pair] += word_counts[word]
                holders[pair].add(word)
                made.add(pair)
        for pair in made:
            heapq.heappush(heap, (-counts[pair], pair))
    return merges, vocab
