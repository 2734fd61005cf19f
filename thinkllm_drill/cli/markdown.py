"""Markdown as lines for a terminal: headings, paragraphs, lists, code, tables and quotes.

Statements are short and plain, and half of them are Chinese: lines break by East Asian rules, formulas and code keep
their columns, and nothing is centred or boxed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from thinkllm_drill.cli.cells import Span, fold, pad, width, wrap

if TYPE_CHECKING:
    from markdown_it.token import Token

    from thinkllm_drill.cli.screen import Screen

_CODE_INDENT = 4


def render(markdown: str, screen: Screen, *, cells: int | None = None) -> str:
    """The text of `markdown` as it is shown on `screen`, set to `cells` columns."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    renderer = _Renderer(screen)
    lines = renderer.blocks(tokens, cells or screen.text_width)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)


class _Renderer:
    """Turns block tokens into painted lines; every block but a section's heading ends with an empty one."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def blocks(self, tokens: Sequence[Token], cells: int) -> list[str]:
        lines: list[str] = []
        for opening, inner in _top_level(tokens):
            lines += self._block(opening, inner, cells)
            if lines[-1:] != [""] and opening.tag != "h2" and not opening.hidden:
                lines.append("")
        return lines

    def _block(self, token: Token, inner: Sequence[Token], cells: int) -> list[str]:
        match token.type:
            case "heading_open":
                return self._text(inner, cells, "title" if token.tag == "h1" else "heading")
            case "paragraph_open":
                return self._text(inner, cells)
            case "bullet_list_open" | "ordered_list_open":
                return self._list(token, inner, cells)
            case "fence" | "code_block":
                return self._code(token.content, cells)
            case "table_open":
                return self._table(inner, cells)
            case "blockquote_open":
                bar = self.screen.paint("│ ", "dim")
                return [bar + line for line in _trimmed(self.blocks(inner, cells - 2))]
            case "hr":
                return [self.screen.paint("─" * min(cells, 20), "dim")]
            case _:
                return [line for line in token.content.splitlines() if line]

    def _text(self, inner: Sequence[Token], cells: int, style: str = "") -> list[str]:
        spans = _inline(inner, style, ticks=not self.screen.color)
        return [self.screen.paint_spans(line) for line in wrap(spans, cells)]

    def _list(self, token: Token, inner: Sequence[Token], cells: int) -> list[str]:
        lines: list[str] = []
        number = int(token.attrGet("start") or 1)
        for _, item in _top_level(inner):
            mark = "• " if token.type == "bullet_list_open" else f"{number}. "
            number += 1
            body = _trimmed(self.blocks(item, cells - width(mark)))
            indent = " " * width(mark)
            lines += [(indent if index else mark) + line if line else "" for index, line in enumerate(body or [""])]
        return lines

    def _code(self, content: str, cells: int) -> list[str]:
        indent = " " * (_CODE_INDENT if cells > 60 else 2)
        folded = [part for line in content.rstrip("\n").split("\n") for part in fold(line, cells - len(indent))]
        return [indent + self.screen.paint(line, "code") if line else "" for line in folded]

    def _table(self, inner: Sequence[Token], cells: int) -> list[str]:
        rows: list[list[str]] = []
        for token in inner:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append("".join(span.text for span in _inline([token])))
        columns = [max(width(cell) for cell in column) for column in zip(*rows, strict=False)]
        lines = ["  ".join(pad(cell, size) for cell, size in zip(row, columns, strict=False)).rstrip() for row in rows]
        rule = "  ".join("─" * size for size in columns)
        return [self.screen.paint(lines[0], "bold"), self.screen.paint(rule, "dim"), *lines[1:]]


def _top_level(tokens: Sequence[Token]) -> Iterator[tuple[Token, Sequence[Token]]]:
    """Each block at the outermost level, with the tokens inside it."""
    index = 0
    while index < len(tokens):
        start = index
        depth: int = tokens[index].nesting
        while depth > 0:
            index += 1
            depth += tokens[index].nesting
        yield tokens[start], tokens[start + 1 : index]
        index += 1


def _inline(tokens: Sequence[Token], style: str = "", *, ticks: bool = False) -> list[Span]:
    """The inline content of a block as styled spans; code keeps its backticks where no colour sets it apart."""
    spans: list[Span] = []
    styles = [style]
    for token in (child for block in tokens for child in block.children or ()):
        match token.type:
            case "text":
                spans.append(Span(token.content, styles[-1]))
            case "code_inline":
                spans.append(Span(f"`{token.content}`" if ticks else token.content, style or "code"))
            case "softbreak" | "hardbreak":
                spans.append(Span("\n", styles[-1]))
            case "strong_open":
                styles.append("bold")
            case "em_open":
                styles.append("emphasis")
            case "strong_close" | "em_close":
                styles.pop()
            case "link_open" | "link_close":
                pass
            case _:
                spans.append(Span(token.content, styles[-1]))
    return spans


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines
