# Generated from solutions/tokenizer/bpe_train.py; do not edit. thinkllm dev render
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
    raise NotImplementedError("blank 1: merge_pair")


def train_bpe(word_counts: dict[str, int], num_merges: int) -> tuple[list[Pair], list[str]]:
    """Return the merges in the order in which they are learned, and the vocabulary.

    Args:
        word_counts: how often each word occurs in the corpus, at least 1.
        num_merges: merges to learn; fewer where the words run out of pairs.
    Returns:
        merges: pairs of symbols.
        vocab: the characters in order, then the symbol of each merge.
    """
    raise NotImplementedError("blank 2: train_bpe")
