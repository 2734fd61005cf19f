"""A heap with stale entries, exact changes of each word, merging on a stack."""

import heapq
from collections import defaultdict


def merge_pair(symbols, pair):
    left, right = pair
    stack = []
    for symbol in symbols:
        if symbol == right and stack and stack[-1] == left:
            stack[-1] = left + right  # longer than left, so it is not joined again
        else:
            stack.append(symbol)
    return stack


def _bag(symbols):
    bag = defaultdict(int)
    for position in range(len(symbols) - 1):
        bag[symbols[position], symbols[position + 1]] += 1
    return bag


def train_bpe(word_counts, num_merges):
    alphabet = {character for word in word_counts for character in word}
    spelling = {word: list(word) for word in word_counts}
    total, users = {}, {}
    for word, frequency in word_counts.items():
        for pair, times in _bag(spelling[word]).items():
            total[pair] = total.get(pair, 0) + times * frequency
            users.setdefault(pair, set()).add(word)
    heap = [(-count, pair) for pair, count in total.items()]
    heapq.heapify(heap)
    merges = []
    while heap and len(merges) != num_merges:
        negative, pair = heapq.heappop(heap)
        if negative == 0 or total.get(pair) != -negative:
            continue
        merges.append(pair)
        touched = set()
        for word in sorted(users[pair]):
            before = _bag(spelling[word])
            spelling[word] = merge_pair(spelling[word], pair)
            after = _bag(spelling[word])
            for key in before.keys() | after.keys():
                change = after.get(key, 0) - before.get(key, 0)
                if change:
                    total[key] = total.get(key, 0) + change * word_counts[word]
                    touched.add(key)
                if key not in after:
                    users[key].discard(word)
                elif key not in before:
                    users.setdefault(key, set()).add(word)
        for key in touched:
            if total[key]:
                heapq.heappush(heap, (-total[key], key))
            else:
                del total[key]
    return merges, sorted(alphabet) + [left + right for left, right in merges]
