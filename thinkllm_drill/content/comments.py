"""A statement as the comment above the learner's code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from thinkllm_drill.content.statement import Statement
from thinkllm_drill.content.wrap import wrap

_ITEM = re.compile(r"([-*]|\d+\.) +")
_FENCE = re.compile(r"```|~~~")


def comment_lines(statement: Statement, columns: int) -> list[str]:
    """The sections of a statement as lines without `#`, at most `columns` wide with it; code is kept as it is."""
    lines: list[str] = []
    for heading, markdown in statement.sections.items():
        body = "\n".join(_body(markdown, columns - 4)).strip("\n").split("\n")
        lines += ["", heading, *("  " + line if line else "" for line in body)]
    return lines[1:]


def _body(markdown: str, columns: int) -> Iterator[str]:
    paragraph: list[str] = []
    fenced = False
    for line in [*markdown.splitlines(), ""]:
        item = not fenced and _ITEM.match(line)
        code = fenced or line.startswith("    ")
        fence = _FENCE.match(line)
        if paragraph and (item or code or fence or not line.strip()):
            yield from _paragraph(paragraph, columns)
            paragraph = []
        if fence:
            fenced = not fenced
        elif code:
            yield f"    {line}" if fenced and line else line
        elif line.strip():
            paragraph.append(line)
        else:
            yield ""


def _paragraph(lines: list[str], columns: int) -> list[str]:
    text = " ".join(line.strip() for line in lines)
    mark = _ITEM.match(text)
    return wrap(text, columns, hanging=" " * len(mark[0]) if mark else "")
