"""Edits of Python source by lines, which leave it tidy."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from thinkllm_drill.errors import ContentError

_OPENS = re.compile(r"^[^#]*:$")


@dataclass
class Edit:
    """What to change in a source; lines count from 1."""

    dropped: set[int] = field(default_factory=set)
    before: dict[int, list[str]] = field(default_factory=dict)
    replaced: dict[int, str] = field(default_factory=dict)

    def drop(self, lines: Iterable[int]) -> None:
        """Leave out these lines."""
        self.dropped.update(lines)

    def insert(self, line: int, text: list[str]) -> None:
        """Put text before a line."""
        self.before.setdefault(line, []).extend(text)

    def apply(self, source: str) -> list[str]:
        """The lines of the edited source."""
        result: list[str] = []
        for number, line in enumerate(source.splitlines(), start=1):
            result += self.before.get(number, [])
            if number not in self.dropped:
                result.append(self.replaced.get(number, line))
        for number in sorted(self.before):
            if number > len(source.splitlines()):
                result += self.before[number]
        return result


def unfilled(number: int, prompt: str) -> str:
    """The statement that stands for a blank."""
    return f"raise NotImplementedError({json.dumps(f'blank {number}: {prompt}', ensure_ascii=False)})"


def tidy(lines: list[str], *, file: Path | None = None) -> str:
    """The lines as a source without runs of blank lines: two at most before a top-level line, one elsewhere.

    Raises:
        ContentError: it is not Python, so a region cuts a statement in two.
    """
    source = "\n".join(lines).strip("\n") + "\n"
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        message = f"what is left when the regions are cut is not Python: {error.msg}: {(error.text or '').strip()}"
        raise ContentError(message, file=file, line=1) from None
    inside_text = _lines_inside_strings(tree)
    result: list[str] = []
    blank = 0
    for number, line in enumerate(source.splitlines(), start=1):
        if not line.strip() and number not in inside_text:
            blank += 1
            continue
        opens_block = bool(result) and line.startswith(" ") and _OPENS.search(result[-1]) is not None
        result += [""] * (0 if opens_block else min(blank, 1 if line.startswith((" ", "\t")) else 2))
        result.append(line)
        blank = 0
    return "\n".join(result) + "\n"


def _lines_inside_strings(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.JoinedStr, ast.Constant)) and node.end_lineno is not None:
            found.update(range(node.lineno, node.end_lineno + 1))
    return found
