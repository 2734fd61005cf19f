# exercise: softmax
# verdict: passed
from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, lru_cache
from typing import NamedTuple

import torch


class Kind(Enum):
    PLAIN = 1
    LOG = 2


class Shifted(NamedTuple):
    logits: torch.Tensor
    total: torch.Tensor


@dataclass(frozen=True)
class Rows:
    x: torch.Tensor
    dim: int
    notes: list[str] = field(default_factory=list)

    @cached_property
    def shifted(self) -> Shifted:
        y = self.x.to(wide(self.x.dtype))
        y = y - y.amax(self.dim, keepdim=True)
        return Shifted(y, y.exp().sum(self.dim, keepdim=True))

    def answer(self, kind: Kind) -> torch.Tensor:
        logits, total = self.shifted
        match kind:
            case Kind.PLAIN:
                return (logits.exp() / total).to(self.x.dtype)
            case Kind.LOG:
                return (logits - total.log()).to(self.x.dtype)


@lru_cache
def wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)


def softmax(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return Rows(x, dim).answer(Kind.PLAIN)


def log_softmax(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return Rows(x, dim).answer(Kind.LOG)
