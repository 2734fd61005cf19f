# Generated from solutions/lists/ring_buffer.py; do not edit. thinkllm dev render
"""A buffer that keeps the last values."""

from dataclasses import dataclass

EMPTY = object()


@dataclass
class State:
    """What is in the buffer."""

    values: list[int]
    full: bool = False

    def __len__(self) -> int:
        return len(self.values)


class RingBuffer:
    """Keeps the last `size` values."""

    def __init__(self, size: int) -> None:
        self.slots = [EMPTY] * size
        self.count = 0

    @property
    def size(self) -> int:
        """The capacity."""
        raise NotImplementedError("blank 1: RingBuffer.size")

    def push(
        self,
        value: int,
        *,
        quiet: bool = False,
    ) -> State:  # the colon: here
        """Return what is kept after value came in."""
        size = self.size
        raise NotImplementedError("blank 2: RingBuffer.push")

    def clear(self) -> None: ...
