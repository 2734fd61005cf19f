"""Python as lines of coloured pieces, and two versions of it side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Literal, NamedTuple

from thinkllm_drill.visible import visible

MOST_LINES = 1000
"""Lines of a source that are shown."""
MOST_COLUMNS = 2000
"""Characters of a line that are shown."""
_MOST_PAIRS = 900
"""The largest block, its lines times the other's, in which similar lines are sought."""
_SIMILAR = 0.55
_MOST_INDENT = 16

_KINDS = (
    ("Comment", "c"),
    ("Literal.String", "s"),
    ("Literal.Number", "n"),
    ("Keyword", "k"),
    ("Operator.Word", "k"),
    ("Name.Function", "f"),
    ("Name.Class", "f"),
)
_WORDS = re.compile(r"\w+|\s+|.")


class Piece(NamedTuple):
    """A stretch of a line of one kind: "c"omment, "s"tring, "n"umber, "k"eyword, "f" for a name defined, or ""."""

    kind: str
    text: str
    changed: bool = False
    """Whether the other side has something else in its place."""


@dataclass(frozen=True)
class Line:
    """A line of code."""

    number: int
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The line without colours."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def indent(self) -> int:
        """The spaces before it, as many as the rest of a line that wraps is to have."""
        return min(len(self.text) - len(self.text.lstrip(" ")), _MOST_INDENT)


@dataclass(frozen=True)
class Block:
    """Lines that are the same on both sides, or what one side has in the place of the other's."""

    kind: Literal["same", "changed", "left", "right"]
    left: tuple[Line, ...]
    right: tuple[Line, ...]


def lines_of(source: str) -> tuple[tuple[Line, ...], int]:
    """The lines of a source that are shown, and how many are left out."""
    from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]

    every = visible(source).rstrip("\n").split("\n")
    shown = [line if len(line) <= MOST_COLUMNS else line[: MOST_COLUMNS - 1] + "…" for line in every[:MOST_LINES]]
    lines: list[list[Piece]] = [[]]
    for token, text in PythonLexer(stripnl=False, ensurenl=False).get_tokens("\n".join(shown)):
        kind = _kind(str(token).removeprefix("Token."))
        first, *more = text.split("\n")
        lines[-1].append(Piece(kind, first))
        lines += [[Piece(kind, part)] for part in more]
    numbered = tuple(Line(number, _joined(pieces)) for number, pieces in enumerate(lines, 1))
    return numbered, len(every) - len(shown)


def compare(left: Sequence[Line], right: Sequence[Line]) -> list[Block]:
    """Both sides in blocks, from top to bottom; spaces at the end of a line do not count."""
    matcher = SequenceMatcher(None, [line.text.rstrip() for line in left], [line.text.rstrip() for line in right])
    blocks: list[Block] = []
    for operation, i, j, k, m in matcher.get_opcodes():
        ours, theirs = tuple(left[i:j]), tuple(right[k:m])
        if operation == "equal":
            blocks.append(Block("same", ours, theirs))
        else:
            blocks += _differing(ours, theirs)
    return blocks


@cache
def _kind(token: str) -> str:
    return next((kind for name, kind in _KINDS if token.startswith(name)), "")


def _joined(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pieces with neighbours of one kind made one."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and joined[-1].kind == piece.kind and joined[-1].changed == piece.changed:
            joined[-1] = piece._replace(text=joined[-1].text + piece.text)
        elif piece.text:
            joined.append(piece)
    return tuple(joined)


def _differing(left: tuple[Line, ...], right: tuple[Line, ...]) -> Iterator[Block]:
    """A block that differs, cut at lines that are alike, so that they stand beside each other."""
    i = k = 0
    for j, m in _alike(left, right):
        yield from _block(left[i:j], right[k:m])
        yield Block("changed", *_marked(left[j], right[m]))
        i, k = j + 1, m + 1
    yield from _block(left[i:], right[k:])


def _block(left: tuple[Line, ...], right: tuple[Line, ...]) -> Iterator[Block]:
    if left or right:
        yield Block("changed" if left and right else "left" if left else "right", left, right)


def _alike(left: tuple[Line, ...], right: tuple[Line, ...]) -> Iterator[tuple[int, int]]:
    """Pairs of lines that are alike, in order on both sides."""
    if len(left) * len(right) > _MOST_PAIRS:
        return
    after = 0
    for place, line in enumerate(left):
        ratios = {index: _ratio(line, right[index]) for index in range(after, len(right))}
        best = max(ratios, key=ratios.__getitem__, default=None)
        if best is not None and ratios[best] >= _SIMILAR:
            yield place, best
            after = best + 1


def _ratio(left: Line, right: Line) -> float:
    a, b = left.text.strip(), right.text.strip()
    if not a or not b or 2 * min(len(a), len(b)) < _SIMILAR * (len(a) + len(b)):
        return 0.0
    return SequenceMatcher(None, _WORDS.findall(a), _WORDS.findall(b)).ratio()


def _marked(left: Line, right: Line) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Two lines that are alike, with what differs in them marked."""
    a, b = _WORDS.findall(left.text), _WORDS.findall(right.text)
    ours: list[bool] = []
    theirs: list[bool] = []
    for operation, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        ours += [operation != "equal"] * sum(map(len, a[i:j]))
        theirs += [operation != "equal"] * sum(map(len, b[k:m]))
    return (_with_marks(left, ours),), (_with_marks(right, theirs),)


def _with_marks(line: Line, changed: Sequence[bool]) -> Line:
    kinds = [piece.kind for piece in line.pieces for _ in piece.text]
    characters = zip(kinds, line.text, changed, strict=True)
    return Line(line.number, _joined([Piece(*character) for character in characters]))
