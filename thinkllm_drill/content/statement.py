"""The statement of an exercise: Markdown with the same sections in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from thinkllm_drill.content.tables import read_text
from thinkllm_drill.errors import ContentError

SECTIONS = ("Task", "Interface", "Rules", "Example", "Cost", "Background")
HEADINGS: Mapping[str, tuple[str, ...]] = {"en": SECTIONS, "zh": ("任务", "接口", "规则", "示例", "代价", "背景")}

_FENCE = re.compile(r"^(```+|~~~+)\s*(\w*)\s*$")


@dataclass(frozen=True)
class Statement:
    """A statement in one language."""

    lang: str
    title: str
    sections: Mapping[str, str]
    """The Markdown under each heading, in order; headings as they are in `lang`."""
    text: str
    """The whole file."""

    def section(self, name: str) -> str:
        """The Markdown of a section by its English name, such as "Example"."""
        return self.sections[HEADINGS[self.lang][SECTIONS.index(name)]]


@dataclass(frozen=True)
class Fence:
    """A code block between fences."""

    language: str
    code: str
    line: int
    """The line of the opening fence."""


def load(path: Path, lang: str) -> Statement:
    """The statement at path.

    Raises:
        ContentError: it has no title, or its sections are not the six in their order, each with some text.
    """
    text = read_text(path)
    wanted = HEADINGS[lang]
    title = ""
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line, content, code in _lines(text):
        if not code and content.startswith("# "):
            if title or sections:
                raise ContentError("a second title", file=path, line=line)
            title = content[2:].strip()
        elif not code and content.startswith("## "):
            heading = content[3:].strip()
            expected = wanted[len(sections)] if len(sections) < len(wanted) else None
            if heading != expected:
                message = f"expected the section `## {expected}`, not" if expected else "a section too many:"
                raise ContentError(f"{message} `## {heading}`", file=path, line=line)
            current = sections[heading] = []
        elif current is not None:
            current.append(content)
        elif content.strip() and title:
            raise ContentError(f"text before `## {wanted[0]}`", file=path, line=line)
        if not title and content.strip():
            raise ContentError("a statement begins with `# Title`", file=path, line=line)
    last = text.count("\n") or 1
    if not title:
        raise ContentError("a statement begins with `# Title`", file=path, line=1)
    if len(sections) < len(wanted):
        raise ContentError(f"the section `## {wanted[len(sections)]}` is missing", file=path, line=last)
    bodies = {heading: "\n".join(lines).strip("\n") for heading, lines in sections.items()}
    for heading, body in bodies.items():
        if not body.strip():
            raise ContentError(f"nothing in `## {heading}`", file=path, line=heading_line(text, heading))
    return Statement(lang, title, MappingProxyType(bodies), text)


def examples(statement: Statement) -> str:
    """The doctest source of the example; nothing if it has no prompt."""
    blocks = [fence.code for fence in fences(statement.section("Example")) if ">>>" in fence.code]
    return "\n".join(blocks)


def fences(markdown: str) -> tuple[Fence, ...]:
    """The fenced code blocks of a Markdown text."""
    found: list[Fence] = []
    opened: tuple[str, str, int, list[str]] | None = None
    for line, content in enumerate(markdown.splitlines(), start=1):
        match = _FENCE.match(content)
        if opened is None and match:
            opened = (match[1], match[2], line, [])
        elif opened is not None and match and match[1].startswith(opened[0]) and not match[2]:
            found.append(Fence(opened[1], "".join(f"{row}\n" for row in opened[3]), opened[2]))
            opened = None
        elif opened is not None:
            opened[3].append(content)
    return tuple(found)


def heading_line(text: str, heading: str) -> int:
    """The line of a section's heading in a statement's text; 1 if it has none."""
    return next((line for line, content, code in _lines(text) if not code and content == f"## {heading}"), 1)


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Number, content, and whether the line is part of a fenced block."""
    fence = ""
    for line, content in enumerate(text.splitlines(), start=1):
        match = _FENCE.match(content)
        if fence and match and match[1].startswith(fence) and not match[2]:
            yield line, content, True
            fence = ""
        elif not fence and match:
            fence = match[1]
            yield line, content, True
        else:
            yield line, content, bool(fence)
