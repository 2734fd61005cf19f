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


# how many values there are
def _filled(slots: list) -> int:
    return sum(slot is not EMPTY for slot in slots)


class RingBuffer:
    """Keeps the last `size` values."""

    # region keep
    def __init__(self, size: int) -> None:
        self.slots = [EMPTY] * size
        self.count = 0

    # endregion

    @property
    def size(self) -> int:
        """The capacity."""
        return len(self.slots)

    def _order(self) -> list[int]:
        start = self.count % self.size if _filled(self.slots) == self.size else 0
        return [*self.slots[start:], *self.slots[:start]][: _filled(self.slots)]

    def push(
        self,
        value: int,
        *,
        quiet: bool = False,
    ) -> State:  # the colon: here
        """Return what is kept after value came in."""
        # region keep
        size = self.size
        # endregion
        # region blank: write the value over the oldest one
        self.slots[self.count % size] = value
        self.count += 1
        # endregion
        # region blank: what is there, oldest first
        return State(self._order(), self.count >= size)
        # endregion

    def clear(self) -> None: ...
