"""What the other verbs keep to themselves while a mock interview asks an exercise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def interview(cli: Callable[..., Any]) -> None:
    assert cli("mock", "start", "--exercises", "softmax", "--minutes", "30").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("hint", "softmax"),
        ("hint", "softmax", "--again"),
        ("solution", "softmax", "--give-up", "--yes"),
        ("drill", "softmax", "--level", "cloze"),
        ("drill", "softmax", "--fresh"),
        ("check", "softmax"),
        ("debug", "softmax"),
        ("watch", "softmax"),
        ("quiz", "softmax", "--list"),
        ("quiz", "softmax"),
    ],
)
def test_nothing_is_told_of_a_problem(cli: Callable[..., Any], interview: None, words: tuple[str, ...]) -> None:
    shown = cli(*words)
    assert shown.code == 2
    assert shown.out == ""


def test_others_are_practised_meanwhile(cli: Callable[..., Any], interview: None) -> None:
    assert cli("drill", "gqa").code == 0
    assert cli("hint", "gqa").code == 0


def test_the_task_may_be_read(cli: Callable[..., Any], interview: None) -> None:
    assert "softmax" in cli("show", "softmax").out


def test_after_the_end_all_is_told_again(cli: Callable[..., Any], interview: None) -> None:
    assert cli("mock", "finish", "--yes").code == 0
    assert cli("hint", "softmax").code == 0
    assert cli("drill", "softmax").code == 0


def test_the_file_of_an_interview_is_not_checked_either(cli: Callable[..., Any], interview: None, home: Path) -> None:
    assert cli("check", str(home / "mock" / "1" / "softmax.py")).code == 2
