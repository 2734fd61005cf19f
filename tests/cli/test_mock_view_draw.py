"""The full-screen view as lines: what is seen at which size, in which language, at which time."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkllm_drill import locale
from thinkllm_drill.cli import mock_view_pages as pages
from thinkllm_drill.cli import mock_view_start
from thinkllm_drill.cli.cells import width
from thinkllm_drill.cli.mock_view_draw import Asking, Confirm, Frame, Look, Message, Page, clip, draw
from thinkllm_drill.cli.screen import Screen
from thinkllm_drill.interview.model import Interview, Problem, Run, Saved
from thinkllm_drill.interview.profiles import Profile
from thinkllm_drill.interview.result import Advice, Part, ProblemResult, Result
from thinkllm_drill.verdict import Verdict

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
TITLES = {"relu": "ReLU 及其次梯度，一个很长的题目名称", "mse-loss": "Mean squared error with reduction and mask"}


def _verdict(status: str) -> Verdict:
    return Verdict("relu", "/home/me/mock/1/relu.py", status, "", 0.1)  # type: ignore[arg-type]


def _problem(slug: str, **rest: Any) -> Problem:
    return Problem(slug, 5, "easy", f"/home/me/thinkllm/mock/1/{slug}.py", "stub", **rest)


INTERVIEW = Interview(
    id="1",
    started_at=START,
    deadline=START + timedelta(minutes=45),
    minutes=45,
    seed="ab",
    runs=3,
    problems=(
        _problem("softmax", submitted_at=START, verdict=_verdict("passed")),
        _problem("relu", saves=(Saved(START, "a"),), runs=(Run(START, _verdict("failed"), "a"),)),
        _problem("mse-loss"),
        *(_problem(f"problem-{number}") for number in range(6)),
    ),
    focus="relu",
    last_at=START,
)
LOOKS = {
    "plain": Look(INTERVIEW, TITLES),
    "much": Look(
        replace(INTERVIEW, clock_back=90.0),
        TITLES,
        waiting=2,
        gone=True,
        messages=(Message("文件里还没有写任何内容。" * 9, "bad"), Message("hint: " + "x" * 300)),
    ),
    "busy": Look(INTERVIEW, TITLES, busy="Handing in relu …"),
    "confirm": Look(INTERVIEW, TITLES, front=Confirm("Hand in relu? It is for good.")),
    "asking": Look(
        INTERVIEW, TITLES, front=Asking("Question 1", "How many bytes? " * 30, "约 12 GiB" * 9, 40, "不懂 " * 9)
    ),
    "page": Look(INTERVIEW, TITLES, front=Page([f"{n} 行 {'字' * n}" for n in range(90)], top=7)),
    "over": Look(replace(INTERVIEW, finished_at=START, reason="deadline", focus=None), TITLES, stuck=True),
}


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    locale.use("en")


def _screen(columns: int = 80, rows: int = 24, *, color: bool = False, encoding: str = "utf-8") -> Screen:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    screen = Screen(stream, {}, color="always" if color else "never")
    screen.width, screen.height = columns, rows
    return screen


def _plain(frame: Frame) -> list[str]:
    return [ESCAPE.sub("", line) for line in frame.lines]


def _shown(look: Look, left: float = 2000, columns: int = 80, rows: int = 24) -> str:
    return "\n".join(_plain(draw(look, look.interview.deadline - timedelta(seconds=left), _screen(columns, rows))))


@settings(max_examples=150)
@given(
    name=st.sampled_from(sorted(LOOKS)),
    columns=st.integers(1, 130),
    rows=st.integers(1, 50),
    left=st.integers(-10, 2700),
    color=st.booleans(),
    lang=st.sampled_from(["en", "zh"]),
    encoding=st.sampled_from(["utf-8", "ascii"]),
)
def test_it_fits_whatever_the_size(
    name: str, columns: int, rows: int, left: int, color: bool, lang: str, encoding: str
) -> None:
    locale.use(lang)
    screen = _screen(columns, rows, color=color, encoding=encoding)
    frame = draw(LOOKS[name], INTERVIEW.deadline - timedelta(seconds=left), screen)
    lines = _plain(frame)
    assert len(lines) <= rows
    assert max(map(width, lines)) <= columns
    assert not any("\n" in line for line in lines)
    assert color or lines == frame.lines
    if frame.cursor is not None:
        assert 0 <= frame.cursor[0] < rows
        assert 0 <= frame.cursor[1] < columns


@settings(max_examples=60)
@given(
    columns=st.integers(1, 120), rows=st.integers(1, 40), chosen=st.integers(0, 3), lang=st.sampled_from(["en", "zh"])
)
def test_the_start_screen_fits_too(columns: int, rows: int, chosen: int, lang: str) -> None:
    locale.use(lang)
    words = {"en": "Attention, norms and losses " * 4, "zh": "注意力、归一化与损失" * 6}
    kinds = tuple(Profile(name, {"en": name, "zh": "强化学习"}, words) for name in ("a", "b", "c"))
    start = mock_view_start.Start(kinds, chosen=chosen, messages=(Message("Nothing fits. " * 20, "bad"),))
    lines = _plain(mock_view_start.draw(start, _screen(columns, rows, color=True)))
    assert len(lines) <= rows
    assert max(map(width, lines)) <= columns
    if rows >= 24 and columns >= 40:
        assert sum(line.startswith("▸") for line in lines) == 1


def test_all_there_is_to_know_at_80_by_24() -> None:
    shown = _shown(LOOKS["plain"])
    for words in (
        "✓  softmax",
        "handed in, passed",
        "✗  relu",
        "last run failed",
        "2 runs left",
        "▸  2",
        "saved 11 min",
    ):
        assert words in shown
    for words in ("/home/me/thinkllm/mock/1/relu.py", "5:00", "planned", "spent", "until", "45 minutes", "c check"):
        assert words in shown


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_small_terminal_keeps_the_time_the_problem_and_the_keys(lang: str) -> None:
    locale.use(lang)
    shown = _shown(LOOKS["much"], left=754 + 90, columns=40, rows=12)
    assert "12:34" in shown
    assert "▸  2  ✗  relu" in shown
    assert "relu.py" in shown
    assert "? " in shown.splitlines()[-1] + shown.splitlines()[-2]


@pytest.mark.parametrize(
    ("left", "words"), [(301, "left"), (300, "the last 5 minutes"), (60, "the last minute"), (0, "time is up")]
)
def test_the_time_is_told_in_words_too(left: int, words: str) -> None:
    assert words in _shown(LOOKS["plain"], left=left)
    assert words in _shown(LOOKS["plain"], left=left, columns=40, rows=12)


def test_the_colour_changes_with_the_time() -> None:
    styles = []
    for left in (600, 200, 30):
        lines = draw(LOOKS["plain"], INTERVIEW.deadline - timedelta(seconds=left), _screen(40, 12, color=True)).lines
        styles.append(lines[0].partition("m")[0])
    assert len(set(styles)) == 3


def test_what_is_typed_stays_in_sight() -> None:
    asking = Asking("Question", "How many bytes does it take? " * 40, "12", 2)
    frame = draw(replace(LOOKS["plain"], front=asking), START, _screen(40, 12))
    assert frame.cursor is not None
    row, column = frame.cursor
    assert frame.lines[row] == "> 12"
    assert column == 4
    chinese = replace(asking, typed="是的", caret=1)
    frame = draw(replace(LOOKS["plain"], front=chinese), START, _screen())
    assert frame.cursor is not None
    assert frame.cursor[1] == 4


def test_a_page_says_where_it_is_and_keeps_the_time() -> None:
    shown = _shown(LOOKS["page"], left=754).splitlines()
    assert shown[0].startswith("12:34 left")
    assert shown[2].startswith("7 行")
    assert "8–28 of 90" in shown[-1]


def _result() -> Result:
    problem = ProblemResult("kl-unbiased", "KL", "hard", 15, "partly", 0.4, 754.0, 2, "x", "y", None)
    advice = Advice("Mean squared error fails in one known way. " * 3, "thinkllm drill kl-unbiased")
    parts = (Part("correctness", 30.5, 70.0), Part("questions", 0.0, 0.0), Part("extra", 2.5, 0.0))
    return Result(
        "1",
        START,
        START,
        45,
        "deadline",
        "ab",
        None,
        3,
        (problem, replace(problem, slug="gqa")),
        parts,
        40.5,
        (advice,),
    )


@pytest.mark.parametrize(("columns", "lang"), [(80, "en"), (80, "zh"), (40, "en"), (40, "zh")])
def test_the_result_fits_and_says_what_to_do(columns: int, lang: str) -> None:
    locale.use(lang)
    page = pages.result(_result(), Path("/home/me/thinkllm/reports/mock-1.html"))
    plain = [ESCAPE.sub("", line) for line in page(_screen(columns, 24, color=True))]
    assert plain == page(_screen(columns, 24))
    assert max(map(width, plain)) <= columns
    shown = "\n".join(plain)
    for words in ("40.5", "✗  kl-unbiased", "40 %", "30.5/70", "+2.5", "  thinkllm drill kl-unbiased", "mock-1.html"):
        assert words in shown
    assert ("12:34 / 15:00" in shown) == (columns == 80)


def test_the_help_names_every_key() -> None:
    lines = "\n".join(pages.help_(INTERVIEW)(_screen()))
    for key in ("↑ ↓ 1-9", "u, Enter", "q, Ctrl-C", "3 runs"):
        assert key in lines


def test_a_cut_line_keeps_its_styles_closed() -> None:
    assert clip("\x1b[1mabc\x1b[0m", 2) == "\x1b[1mab\x1b[0m"
    assert clip("字字", 3) == "字"
    assert clip("abc", 3) == "abc"


def test_problems_that_have_no_room_are_counted() -> None:
    many = replace(INTERVIEW, problems=tuple(_problem(f"problem-{number}") for number in range(40)), focus="problem-0")
    screen = Screen(io.StringIO(), {})
    screen.width, screen.height = 80, 24
    frame = draw(Look(many, TITLES), START, screen)
    shown = sum("problem-" in line and "not started" in line for line in frame.lines)
    assert 0 < shown < 40
    assert any(f"… {40 - shown} more" in line for line in frame.lines)
