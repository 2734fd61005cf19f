"""Wraps text by the columns that it takes on a terminal, where a Chinese character takes two."""

from __future__ import annotations

import re
import unicodedata

_CLOSING = ("Pe", "Pf", "Po")
_OPENING = ("Ps", "Pi")
_PIECE = re.compile(r"`[^`\n]{1,40}`|\s+|[!-~]+|[^\W\d_]|.", re.DOTALL)


def width(text: str) -> int:
    """The columns that text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def wrap(text: str, columns: int, *, indent: str = "", hanging: str | None = None) -> list[str]:
    """The lines of a paragraph.

    Chinese text breaks between characters, but not before a closing or after an opening punctuation mark; short code
    spans stay whole; what is longer than a line overhangs.

    Args:
        text: the paragraph; its line breaks count as spaces.
        columns: the width to keep within, indentation included.
        indent: what the first line begins with.
        hanging: what the other lines begin with; `indent` if None.
    """
    hanging = indent if hanging is None else hanging
    lines: list[str] = []
    line, space = indent, ""
    for piece in _pieces(text):
        if piece.isspace():
            space = " "
            continue
        if line not in (indent, hanging) and width(line) + len(space) + width(piece) > columns:
            lines.append(line)
            line = hanging + piece
        else:
            line += (space if line not in (indent, hanging) else "") + piece
        space = ""
    return [*lines, line]


def _pieces(text: str) -> list[str]:
    """What may stand at the start of a line, and the spaces between."""
    pieces: list[str] = []
    for piece in _PIECE.findall(text.strip()):
        last = pieces[-1] if pieces else " "
        glued = not last.isspace() and not piece.isspace()
        if glued and (
            unicodedata.category(piece[0]) in _CLOSING
            or unicodedata.category(last[-1]) in _OPENING
            or not (_is_wide(piece[0]) or _is_wide(last[-1]))
        ):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"
