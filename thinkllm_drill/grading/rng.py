"""Random inputs that are a function of a key: the seed of the run, the entry, the check and the case."""

from __future__ import annotations

import hashlib
import random as random_
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def keyed_seed(*key: object) -> int:
    """A 63-bit seed made of the parts of the key."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


class Rng:
    """Draws inputs; two with the same key draw the same.

    Float tensors come in float32; a suite rounds them to the dtype of the case.
    """

    def __init__(self, *key: object) -> None:
        seed = keyed_seed(*key)
        self._generator = torch.Generator().manual_seed(seed)
        self._python = random_.Random(seed)

    def normal(self, shape: Sequence[int] = ()) -> Tensor:
        """Standard normal numbers of the shape."""
        return torch.randn(tuple(shape), generator=self._generator)

    def uniform(self, shape: Sequence[int] = (), low: float = 0.0, high: float = 1.0) -> Tensor:
        """Numbers uniform in [low, high)."""
        return torch.rand(tuple(shape), generator=self._generator) * (high - low) + low

    def integers(self, low: int, high: int, shape: Sequence[int] = ()) -> Tensor:
        """int64 numbers uniform in low … high − 1."""
        return torch.randint(low, high, tuple(shape), generator=self._generator)

    def bernoulli(self, shape: Sequence[int], p: float = 0.5) -> Tensor:
        """bool, True with probability p."""
        return torch.rand(tuple(shape), generator=self._generator) < p

    def permutation(self, n: int) -> Tensor:
        """The numbers 0 … n − 1 in random order, int64."""
        return torch.randperm(n, generator=self._generator)

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return self._python.choice(items)

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """k different items in random order."""
        return self._python.sample(items, k)

    def shuffle(self, items: Sequence[T]) -> list[T]:
        """The items in random order, as a new list."""
        return self._python.sample(items, len(items))

    def random(self) -> float:
        """A float in [0, 1)."""
        return self._python.random()

    def randint(self, low: int, high: int) -> int:
        """An int in low … high − 1."""
        return self._python.randrange(low, high)

    def generator(self) -> torch.Generator:
        """A `torch.Generator` with a seed of this one's."""
        return torch.Generator().manual_seed(self._python.getrandbits(62))

    def python(self) -> random_.Random:
        """A `random.Random` with a seed of this one's."""
        return random_.Random(self._python.getrandbits(62))
