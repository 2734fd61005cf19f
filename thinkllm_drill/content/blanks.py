"""Blanks of a reference, and what is left of it at each level."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from thinkllm_drill.content import levels
from thinkllm_drill.content.lines import Edit, tidy, unfilled
from thinkllm_drill.content.regions import Region, parse, regions
from thinkllm_drill.errors import ContentError

Level = Literal["cloze", "body", "blank", "bughunt"]
LEVELS: tuple[Level, ...] = get_args(Level)

_OPEN = re.compile(r"blank (\d+): (.*)", re.DOTALL)


@dataclass(frozen=True)
class Blank:
    """A blank of a reference: what to write, and the lines that answer it."""

    number: int
    prompt: str
    first_line: int
    last_line: int
    function: str
    """The function that it is in: `Class.method`."""


@dataclass(frozen=True)
class OpenBlank:
    """A blank that an attempt has not filled."""

    number: int
    prompt: str
    line: int


def blanks(source: str, *, file: Path | None = None) -> tuple[Blank, ...]:
    """The blanks of a reference, in order.

    Raises:
        ContentError: a marker is wrong, or a blank is not inside a function.
    """
    found = [region for region in regions(source, file) if region.kind == "blank"]
    spans = list(_functions(parse(source, file)))
    return tuple(_blank(number, region, source, spans, file) for number, region in enumerate(found, start=1))


def render(source: str, level: Level, *, only: Collection[int] | None = None, file: Path | None = None) -> str:
    """What is left of a reference at a level; at "bughunt" all of it, without the markers.

    Args:
        source: the reference.
        level: how much is cut.
        only: the numbers of the blanks that "cloze" cuts; all if None.
        file: where source is from, for errors.
    Raises:
        ContentError: a marker is wrong, or a region cuts a statement in two.
    """
    if level == "body":
        return levels.body(source, file=file)
    if level == "blank":
        return levels.blank(source, file=file)
    numbered = blanks(source, file=file) if level == "cloze" else ()
    edit = Edit()
    for region in regions(source, file):
        edit.drop((region.start, region.end))
    lines = source.splitlines()
    for blank in numbered:
        if only is not None and blank.number not in only:
            continue
        first = next(line for line in lines[blank.first_line - 1 :] if line.strip())
        indent = first[: len(first) - len(first.lstrip())]
        edit.drop(range(blank.first_line, blank.last_line + 1))
        cut = [f"# TODO: {blank.prompt}", unfilled(blank.number, blank.prompt)]
        edit.insert(blank.first_line, [indent + line for line in cut])
    return tidy(edit.apply(source), file=file)


def open_blanks(source: str) -> tuple[OpenBlank, ...]:
    """The blanks that an attempt still has, in order.

    Raises:
        SyntaxError: the attempt is not Python.
    """
    return open_blanks_of(ast.parse(source))


def open_blanks_of(tree: ast.Module) -> tuple[OpenBlank, ...]:
    """The blanks that a parsed attempt still has, in order."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and (match := _OPEN.fullmatch(_raised_text(node))):
            found.append(OpenBlank(int(match[1]), match[2], node.lineno))
    return tuple(sorted(found, key=lambda blank: (blank.number, blank.line)))


def _raised_text(node: ast.Raise) -> str:
    """The text of `raise NotImplementedError("text")`, else nothing."""
    match node.exc:
        case ast.Call(func=ast.Name(id="NotImplementedError"), args=[ast.Constant(value=str(text))]):
            return text
    return ""


def _blank(number: int, region: Region, source: str, spans: list[tuple[str, int, int]], file: Path | None) -> Blank:
    lines = source.splitlines()
    filled = [line for line in range(region.start + 1, region.end) if lines[line - 1].strip()]
    around = [name for name, first, last in spans if first < filled[0] and filled[-1] <= last]
    if not around:
        raise ContentError("a blank must be inside a function", file=file, line=region.start)
    return Blank(number, region.prompt, region.start + 1, region.end - 1, around[-1])


def _functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, int, int]]:
    """Name, first and last line of every function, outer ones first; the first line is the last one of the header."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield prefix + child.name, child.lineno, child.end_lineno or child.lineno
        named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        yield from _functions(child, f"{prefix}{child.name}." if named else prefix)  # type: ignore[attr-defined]
