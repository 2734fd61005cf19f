"""The markers in a reference: `# region blank: prompt` or `# region keep`, each up to `# endregion`."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from thinkllm_drill.errors import ContentError

_MARKER = re.compile(r"#\s*(region|endregion)\b\s*(.*)")
_BLANK = re.compile(r"blank\b\s*:?\s*(.*)")


@dataclass(frozen=True)
class Region:
    """A marked part of a reference: the lines between the markers `start` and `end`."""

    kind: Literal["blank", "keep"]
    prompt: str
    start: int
    end: int

    def holds(self, first: int, last: int) -> bool:
        """Whether the lines first to last lie within."""
        return self.start < first and last < self.end


def parse(source: str, file: Path | None = None) -> ast.Module:
    """The syntax tree of a reference.

    Raises:
        ContentError: it is not Python.
    """
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise ContentError(f"not valid Python: {error.msg}", file=file, line=error.lineno) from None


def regions(source: str, file: Path | None = None) -> tuple[Region, ...]:
    """The regions of a reference, in order.

    Raises:
        ContentError: a marker is unknown, nested, stray or unclosed, or a region has no prompt or nothing in it.
    """
    parse(source, file)
    found: list[Region] = []
    opened: Region | None = None
    for line, word, rest in _markers(source):
        if word == "region":
            if opened:
                raise ContentError(f"a region inside the region of line {opened.start}", file=file, line=line)
            opened = _open(line, rest, file)
            continue
        if opened is None:
            raise ContentError("`# endregion` without a region", file=file, line=line)
        if not any(text.strip() for text in source.splitlines()[opened.start : line - 1]):
            raise ContentError("an empty region", file=file, line=opened.start)
        found.append(Region(opened.kind, opened.prompt, opened.start, line))
        opened = None
    if opened:
        raise ContentError("a region without `# endregion`", file=file, line=opened.start)
    return tuple(found)


def _markers(source: str) -> Iterator[tuple[int, str, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and token.line.strip() == token.string:
            match = _MARKER.fullmatch(token.string)
            if match:
                yield token.start[0], match[1], match[2].strip()


def _open(line: int, rest: str, file: Path | None) -> Region:
    if rest == "keep":
        return Region("keep", "", line, line)
    match = _BLANK.fullmatch(rest)
    if match is None:
        raise ContentError("expected `# region blank: prompt` or `# region keep`", file=file, line=line)
    if not match[1]:
        raise ContentError("a blank without a prompt: `# region blank: what to write`", file=file, line=line)
    return Region("blank", match[1], line, line)
