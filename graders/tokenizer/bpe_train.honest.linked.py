"""All words in one doubly linked list of symbols; each pair knows its positions."""


def merge_pair(symbols, pair):
    if len(symbols) < 2:
        return list(symbols)
    if (symbols[0], symbols[1]) == pair:
        return ["".join(pair), *merge_pair(symbols[2:], pair)]
    return [symbols[0], *merge_pair(symbols[1:], pair)]


class _Corpus:
    def __init__(self, word_counts):
        self.symbol, self.weight, self.next, self.previous = [], [], [], []
        self.count, self.places = {}, {}
        for word, weight in word_counts.items():
            start = len(self.symbol)
            for offset, character in enumerate(word):
                self.symbol.append(character)
                self.weight.append(weight)
                self.previous.append(start + offset - 1 if offset else -1)
                self.next.append(start + offset + 1 if offset + 1 < len(word) else -1)
        for place in range(len(self.symbol)):
            self.enter(place)

    def enter(self, place, sign=1):
        """Count, or with sign −1 stop counting, the pair that starts at the place."""
        if place < 0 or self.next[place] < 0:
            return
        pair = self.symbol[place], self.symbol[self.next[place]]
        self.count[pair] = self.count.get(pair, 0) + sign * self.weight[place]
        if sign > 0:
            self.places.setdefault(pair, set()).add(place)
        else:
            self.places[pair].remove(place)
            if not self.places[pair]:
                del self.places[pair], self.count[pair]

    def merge(self, pair):
        for place in sorted(self.places[pair]):
            right = self.next[place]
            if place not in self.places.get(pair, ()):  # used up by the occurrence before it
                continue
            before, after = self.previous[place], self.next[right]
            for start in (before, place, right):
                self.enter(start, -1)
            self.symbol[place] = pair[0] + pair[1]
            self.next[place], self.symbol[right], self.next[right] = after, None, -1
            if after >= 0:
                self.previous[after] = place
            self.enter(before)
            self.enter(place)


def train_bpe(word_counts, num_merges):
    corpus = _Corpus(word_counts)
    vocab = sorted({*corpus.symbol})
    merges = []
    for _ in range(num_merges):
        if not corpus.count:
            break
        most = max(corpus.count.values())
        pair = sorted(key for key, value in corpus.count.items() if value == most)[0]
        corpus.merge(pair)
        merges.append(pair)
        vocab += ["".join(pair)]
    return merges, vocab
