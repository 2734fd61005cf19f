"""Reads a TOML file into a msgspec type; an error names the file, the line and the key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from thinkllm_drill.errors import ContentError

T = TypeVar("T")
KeyPath = Sequence[str | int]

_HEADER = re.compile(r"^\[\[?\s*([\w.-]+)\s*\]\]?\s*(?:#.*)?$")
_AT = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+|\.\.\.)\]")


def read_text(path: Path) -> str:
    """The text of a UTF-8 content file.

    Raises:
        ContentError: it is missing, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContentError("this file is missing", file=path) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ContentError("this file is not UTF-8", file=path, line=line) from None
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", file=path) from None


def read_table(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and the table in it."""
    text = read_text(path)
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = re.search(r"\(at line (\d+), column \d+\)", message)
        line = int(found[1]) if found else text.count("\n") + 1
        raise ContentError(f"not valid TOML: {message}", file=path, line=line) from None


def convert(
    data: object, kind: type[T], *, text: str, file: Path, choices: Mapping[str, Sequence[object]] | None = None
) -> T:
    """data as the msgspec type kind.

    Args:
        data: the parsed table.
        kind: a msgspec type.
        text: what data was parsed from, to find lines in.
        file: where text is from.
        choices: the allowed values of enumerated keys, told when another one is met.
    Raises:
        ContentError: data is not a kind.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        path, message = _explain(str(error), choices or {})
        raise ContentError(message, file=file, line=line_of(text, path)) from None


def line_of(text: str, path: KeyPath) -> int:
    """The line of the key at path, or of the closest table around it that can be found.

    Args:
        text: TOML.
        path: keys and positions from the top, such as ("hint", 1, "zh").
    """
    lines = text.splitlines()
    first, last, found = 0, _next_header(lines, 0), 1
    steps = list(path)
    while steps:
        step = steps.pop(0)
        if isinstance(step, int):
            continue
        position = steps[0] if steps and isinstance(steps[0], int) else 0
        headers = [row for row, line in enumerate(lines) if (match := _HEADER.match(line)) and match[1] == step]
        if position < len(headers):
            first = headers[position] + 1
            last, found = _next_header(lines, first), first
            continue
        key = re.compile(rf"^\s*\"?{re.escape(step)}\"?\s*[=.]")
        row = next((row for row in range(first, last) if key.match(lines[row])), None)
        return found if row is None else row + 1
    return found


def _next_header(lines: Sequence[str], start: int) -> int:
    return next((row for row in range(start, len(lines)) if _HEADER.match(lines[row])), len(lines))


def _explain(message: str, choices: Mapping[str, Sequence[object]]) -> tuple[list[str | int], str]:
    """The key path in a msgspec message, and the message in words about keys."""
    path: list[str | int] = []
    if at := _AT.search(message):
        message = message[: at.start()]
        for name, position in _STEP.findall(at[1]):
            path.append(name or (int(position) if position.isdigit() else 0))
    where = ".".join(str(step) for step in path)
    if unknown := re.fullmatch(r"Object contains unknown field `(.+)`", message):
        inside = f" in `{where}`" if where else ""
        return [*path, unknown[1]], f"unknown key `{unknown[1]}`{inside}"
    if missing := re.fullmatch(r"Object missing required field `(.+)`", message):
        inside = f" in `{where}`" if where else ""
        return path, f"the key `{missing[1]}` is missing{inside}"
    if message.startswith("Invalid enum value") and where in choices:
        allowed = ", ".join(str(choice) for choice in choices[where])
        return path, f"`{where}`: {message[0].lower()}{message[1:]}; allowed: {allowed}"
    named = re.search(r"`(\w+)`", message)  # a key that a type's own validation speaks of
    return [*path, named[1]] if named else path, f"`{where}`: {message}" if where else message
