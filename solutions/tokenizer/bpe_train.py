"""Training byte-pair encoding, Sennrich et al. 2016 (arXiv:1508.07909), section 3.2.

Works on a table of distinct words and keeps the pair counts up to date: a merge touches the words that hold its pair.
"""

from collections import Counter, defaultdict
from itertools import pairwise

Pair = tuple[str, str]


def merge_pair(symbols: list[str], pair: Pair) -> list[str]:
    """Return the symbols with every occurrence of the pair joined into one symbol.

    Args:
        symbols: a word cut into symbols; stays as it is.
        pair: two symbols, joined where they stand side by side; occurrences are taken from the left, without overlap.
    Returns:
        A new list, also where nothing is joined.
    """
    merged: list[str] = []
    i = 0
    # region blank: walk from the left; where the next two symbols are the pair append them as one, else append one
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            merged.append(pair[0] + pair[1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    # endregion
    return merged


def train_bpe(word_counts: dict[str, int], num_merges: int) -> tuple[list[Pair], list[str]]:
    """Return the merges in the order in which they are learned, and the vocabulary.

    Args:
        word_counts: how often each word occurs in the corpus, at least 1.
        num_merges: merges to learn; fewer where the words run out of pairs.
    Returns:
        merges: pairs of symbols.
        vocab: the characters in order, then the symbol of each merge.
    """
    words = [list(word) for word in word_counts]
    freqs = list(word_counts.values())
    counts: Counter[Pair] = Counter()
    holders: defaultdict[Pair, set[int]] = defaultdict(set)  # pair -> indices of the words that hold it
    # region blank: fill the two tables from the characters of the words
    for i, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += freqs[i]
            holders[pair].add(i)
    # endregion
    merges: list[Pair] = []
    vocab = sorted(set("".join(word_counts)))
    while counts and len(merges) < num_merges:
        # region blank: the pair to merge: the most frequent one, of equals the smallest
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        # endregion
        merges.append(best)
        vocab.append(best[0] + best[1])
        # region blank: rewrite the words that hold it: their old pairs leave the tables, their new ones enter
        for i in holders.pop(best):
            for pair in pairwise(words[i]):
                counts[pair] -= freqs[i]
            words[i] = merge_pair(words[i], best)
            for pair in pairwise(words[i]):
                counts[pair] += freqs[i]
                holders[pair].add(i)
        counts = +counts  # drops the pairs that occur no more
        # endregion
    return merges, vocab
