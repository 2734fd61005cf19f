"""Text measured in terminal cells: width, padding, cutting and wrapping, with East Asian width and line-break rules.

Text that wraps is a sequence of spans, each with the name of its style, so that a style never reaches over the end of
a line (a pager that scrolls would lose it).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from thinkllm_drill.visible import visible as visible

_CLOSING = ("Pe", "Pf", "Po")
_OPENING = ("Ps", "Pi")
_WHOLE = "whole"
"""The style of a span that no line break may cut, whatever it holds."""
_PATH = re.compile(r"((?<![^\s(（：:，。])(?:~|[A-Za-z]:)?[/\\][^\s，。；：（）]+)")
_EM_DASH = "\u2014"


class Span(NamedTuple):
    """A piece of text and the name of its style ("" for none)."""

    text: str
    style: str = ""


@dataclass
class _Atom:
    """A piece that no line break may cut."""

    spans: list[Span]
    width: int
    spaced: bool


@lru_cache(maxsize=4096)
def char_width(char: str) -> int:
    """The cells that one character takes: 0, 1 or 2."""
    if char < "\u0300":
        return 1 if char >= " " else 0
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def width(text: str) -> int:
    """The cells that `text` takes on one line."""
    return len(text) if text.isascii() else sum(map(char_width, text))


def cut(text: str, cells: int) -> str:
    """`text` shortened to `cells`, with an ellipsis where something is missing."""
    if width(text) <= cells:
        return text
    kept, used = [], 1
    for char in text:
        used += char_width(char)
        if used > cells:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…" if cells > 0 else ""


def pad(text: str, cells: int) -> str:
    """`text` filled with spaces on the right up to `cells`."""
    return text + " " * (cells - width(text))


def pad_left(text: str, cells: int) -> str:
    """`text` filled with spaces on the left up to `cells`."""
    return " " * (cells - width(text)) + text


def wrap(spans: Iterable[Span], cells: int, *, split: bool = True) -> list[list[Span]]:
    """The spans as lines of at most `cells`, broken at spaces and between East Asian characters.

    Args:
        split: whether a word wider than a line is cut; otherwise it sticks out.
    """
    lines: list[list[Span]] = [[]]
    used = 0
    for atom in _atoms(spans):
        gap = 1 if atom.spaced and used else 0
        if used and used + gap + atom.width > cells:
            lines.append([])
            used = gap = 0
        if gap:
            lines[-1].append(Span(" ", atom.spans[0].style if _same_style(lines[-1], atom) else ""))
        for piece in _split(atom.spans, cells) if split and atom.width > cells else [atom.spans]:
            piece_width = sum(width(span.text) for span in piece)
            if used and used + gap + piece_width > cells:
                lines.append([])
                used = gap = 0
            lines[-1].extend(piece)
            used += gap + piece_width
            gap = 0
    return [_merged(line) for line in lines]


def wrap_text(text: str, cells: int) -> list[str]:
    """`wrap` for text without styles; no word is cut, and no path, for people copy them."""
    pieces = _PATH.split(text)
    spans = [Span(piece, _WHOLE if index % 2 else "") for index, piece in enumerate(pieces) if piece]
    return ["".join(span.text for span in line) for line in wrap(spans, cells, split=False)]


def fold(line: str, cells: int) -> list[str]:
    """A line of code as lines of at most `cells`: the rest is indented two more than the line, broken at spaces."""
    body = line.lstrip(" ")
    indent = len(line) - len(body)
    if width(line) <= cells or indent + 12 > cells:
        return [line]
    lines, current, room = [], " " * indent, cells
    for word in _words(body):
        if width(current) + width(word.rstrip()) > room and current.strip():
            lines.append(current.rstrip())
            current = " " * (indent + 2)
            word = word.lstrip()
        current += word
    return [*lines, current.rstrip()]


def _words(text: str) -> Iterator[str]:
    """Runs of spaces each with the word behind them."""
    start = 0
    for index in range(1, len(text)):
        if text[index] == " " and text[index - 1] != " ":
            yield text[start:index]
            start = index
    yield text[start:]


def _is_wide(char: str) -> bool:
    return char_width(char) == 2


def _atoms(spans: Iterable[Span]) -> list[_Atom]:
    """The unbreakable pieces: words, single East Asian characters, each with the punctuation that belongs to it."""
    atoms: list[_Atom] = []
    before = " "
    spaced = False
    for text, style in spans:
        for piece in [text] if style == _WHOLE else text:
            if piece in (" ", "\n"):
                before, spaced = " ", True
                continue
            joins = before != " " and not _breaks(before, piece[0])
            if joins and atoms:
                _append(atoms[-1], piece, style)
            else:
                atoms.append(_Atom([Span(piece, style)], width(piece), spaced))
            before, spaced = piece[-1], False
    return atoms


def _breaks(before: str, char: str) -> bool:
    """Whether a line may end between two characters that no space parts."""
    if unicodedata.category(char) in _CLOSING or char == _EM_DASH or char_width(char) == 0:
        return False
    return unicodedata.category(before) not in _OPENING and (_is_wide(char) or _is_wide(before))


def _append(atom: _Atom, piece: str, style: str) -> None:
    last = atom.spans[-1]
    if last.style == style:
        atom.spans[-1] = Span(last.text + piece, style)
    else:
        atom.spans.append(Span(piece, style))
    atom.width += width(piece)


def _split(spans: Sequence[Span], cells: int) -> list[list[Span]]:
    """A piece longer than a line, cut into pieces that fit."""
    pieces: list[list[Span]] = [[]]
    used = 0
    for text, style in spans:
        for char in text:
            if used + char_width(char) > cells and used:
                pieces.append([])
                used = 0
            pieces[-1].append(Span(char, style))
            used += char_width(char)
    return [_merged(piece) for piece in pieces]


def _same_style(line: list[Span], atom: _Atom) -> bool:
    return bool(line) and line[-1].style == atom.spans[0].style


def _merged(line: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in line:
        if merged and merged[-1].style == span.style:
            merged[-1] = Span(merged[-1].text + span.text, span.style)
        else:
            merged.append(span)
    return merged
