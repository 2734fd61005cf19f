from __future__ import annotations

import io
from pathlib import Path

import pytest

from thinkllm_drill.cli.cells import width
from thinkllm_drill.cli.markdown import render
from thinkllm_drill.cli.screen import Screen

PLAIN = Screen(io.StringIO(), {}, color="never")
COLOR = Screen(io.StringIO(), {}, color="always")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("cells", [40, 80, 200])
@pytest.mark.parametrize("name", ["functions/softmax", "attention/gqa"])
def test_statements_fit_and_lose_nothing(content_root: Path, name: str, lang: str, cells: int) -> None:
    source = (content_root / "exercises" / name / f"statement.{lang}.md").read_text()
    shown = render(source, PLAIN, cells=cells)
    assert max(map(width, shown.split("\n"))) <= cells
    kept = {char for char in source if not char.isspace() and char not in "#-`python"}
    assert kept <= set(shown)


def test_code_keeps_its_columns() -> None:
    shown = render("# T\n\n```python\n>>> f(1)\ntensor([1,\n        2])\n```\n\n    y = a · b\n", PLAIN, cells=80)
    assert "    tensor([1,\n            2])" in shown
    assert "\n    y = a · b" in shown


def test_code_is_told_from_words_with_colour_and_without() -> None:
    assert "`mask`" in render("see `mask`", PLAIN)
    assert "\x1b[36mmask\x1b[0m" in render("see `mask`", COLOR)


def test_lists_hang_and_nest() -> None:
    shown = render("- one two three four\n- five\n\n1. a\n   - b\n2. c\n\n> said\n", PLAIN, cells=12)
    assert shown.split("\n") == ["• one two", "  three four", "• five", "", "1. a", "   • b", "2. c", "", "│ said"]


def test_tables_align_by_cells() -> None:
    shown = render("| a | 中文 |\n|--|--|\n| 1234 | 2 |\n", PLAIN, cells=40).split("\n")
    assert shown == ["a     中文", "────  ────", "1234  2"]


def test_terminal_escapes_do_not_cross_lines(content_root: Path) -> None:
    source = (content_root / "exercises/attention/gqa/statement.zh.md").read_text()
    for line in render(source, COLOR, cells=40).split("\n"):
        assert line.count("\x1b[") == 2 * line.count("\x1b[0m")
