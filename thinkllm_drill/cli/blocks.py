"""Blocks of lines on a screen that may be too small for all of them: who gets its lines first, and what is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace


@dataclass
class Block:
    """Lines that belong together; of two blocks the one of lower rank gets its lines first."""

    rank: int
    lines: list[str]
    around: int | None = None
    """The line that must be seen where not all are."""
    least: int | None = None
    """So many lines it gets by its rank, the rest after all others; None for all."""
    space: bool = field(default=True)
    """Whether an empty line may stand before it."""
    more: Callable[[int], str] | None = None
    """A line that says how many lines are left out."""

    def some(self, number: int) -> list[str]:
        """So many of its lines."""
        if number >= len(self.lines):
            return self.lines
        if self.more is not None and number > 2:
            return [*replace(self, more=None).some(number - 1), self.more(len(self.lines) - number + 1)]
        if self.around is None:
            return self.lines[:number]
        first = min(max(self.around - number // 2, 0), len(self.lines) - number)
        return self.lines[first : first + number]


def fit(blocks: Sequence[Block], rows: int) -> tuple[list[str], list[int | None]]:
    """The blocks in so many lines, and the last line of each; None for one that has no room."""
    given, left = [0] * len(blocks), max(rows, 0)
    ranked = sorted(range(len(blocks)), key=lambda place: blocks[place].rank)
    for place in [*ranked, *ranked]:
        block, first = blocks[place], not given[place]
        wanted = len(block.lines) if block.least is None or not first else min(block.least, len(block.lines))
        more = min(wanted - given[place], left)
        given[place] += more
        left -= more
    lines: list[str] = []
    places: list[int | None] = []
    for block, number in zip(blocks, given, strict=True):
        if number and lines and block.space and left:
            lines.append("")
            left -= 1
        lines += block.some(number)
        places.append(len(lines) - 1 if number else None)
    return lines, places
