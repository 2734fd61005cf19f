from __future__ import annotations

import pytest

from thinkllm_drill.cli.cells import Span, cut, fold, pad, visible, width, wrap, wrap_text


@pytest.mark.parametrize(
    ("text", "cells"), [("abc", 3), ("注意力", 6), ("outₕ", 4), ("e\u0301", 1), ("⌊h/R⌋", 5), ("", 0)]
)
def test_width_counts_cells(text: str, cells: int) -> None:
    assert width(text) == cells


def test_cut_keeps_within_the_width() -> None:
    assert cut("分组查询注意力", 7) == "分组查…"
    assert cut("abc", 3) == "abc"
    assert width(pad("注意", 7)) == 7


@pytest.mark.parametrize("cells", [20, 33, 40, 79])
def test_no_line_begins_or_ends_with_the_wrong_punctuation(cells: int) -> None:
    text = (
        "第一维也可以是 1。None 表示全部允许（包括 `mask`）：两者都允许，才允许；“组在前、组内在后”的顺序——合并。" * 3
    )
    lines = wrap_text(text, cells)
    assert all(width(line) <= cells for line in lines)
    assert not any(line[0] in "，。、；：）” ——" or line[-1] in "（“ " for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_words_stay_whole_where_they_fit() -> None:
    assert wrap_text("the quick brown fox", 10) == ["the quick", "brown fox"]
    assert wrap_text("x" * 25, 10) == ["x" * 25]
    assert ["".join(span.text for span in line) for line in wrap([Span("x" * 25)], 10)] == ["x" * 10, "x" * 10, "x" * 5]
    assert wrap_text("wrote /a/我的答案/try.py here", 12) == ["wrote", "/a/我的答案/try.py", "here"]


def test_styles_end_with_the_line() -> None:
    lines = wrap([Span("a "), Span("bbb ccc", "code"), Span(" d")], 5)
    assert lines == [[Span("a "), Span("bbb", "code")], [Span("ccc", "code"), Span(" d")]]


def test_code_folds_at_spaces_with_a_deeper_indent() -> None:
    assert fold("    a = 1", 40) == ["    a = 1"]
    folded = fold("  >>> softmax(torch.tensor([[0.0, 0.0], [1000.0, 0.0]]))", 40)
    assert folded == ["  >>> softmax(torch.tensor([[0.0, 0.0],", "    [1000.0, 0.0]]))"]


def test_what_could_act_on_a_terminal_is_shown() -> None:
    assert visible("a\x1b[31mb\x07\x9b\u202e\r\nc\td") == "a\\x1b[31mb\\x07\\x9b\\u202e\nc   d"
    assert visible("好 ✓ √d") == "好 ✓ √d"
    assert visible("\ud800") == "\\ud800"
    assert "\r" not in visible("over\rwritten")
