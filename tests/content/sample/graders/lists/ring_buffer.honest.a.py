"""Variant a."""

from collections import deque
from dataclasses import dataclass


@dataclass
class State:
    values: list
    full: bool = False


class RingBuffer:
    def __init__(self, size):
        self.items = deque(maxlen=size)

    def push(self, value, *, quiet=False):
        self.items.append(value)
        return State(list(self.items), len(self.items) == self.items.maxlen)
