"""`thinkllm mock` in plain lines and in JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.cli.mock_show import time_of

Cli = Callable[..., Any]


@pytest.fixture
def started(cli: Cli) -> Any:
    return cli("mock", "start", "--exercises", "softmax,gqa", "--minutes", "30", "--json").json


def write(started: Any, number: int = 0, code: str = "def softmax(x):\n    return x\n") -> Path:
    path = Path(started["problems"][number]["file"])
    path.write_text(code, encoding="utf-8")
    return path


def test_a_start_tells_what_a_script_needs(started: Any, home: Path) -> None:
    assert (started["id"], started["minutes"], started["runs"]) == ("1", 30, 3)
    assert [problem["slug"] for problem in started["problems"]] == ["softmax", "gqa"]
    assert started["problems"][0]["file"] == str(home / "mock" / "1" / "softmax.py")


def test_a_start_tells_people_the_rules(cli: Cli) -> None:
    out = cli("mock", "start", "--exercises", "softmax", "--minutes", "30", "--seed", "x").out
    assert "softmax" in out
    assert "3 runs" in out
    assert "Seed: x" in out


def test_what_is_odd_about_the_wished_exercises_is_told(cli: Cli) -> None:
    shown = cli("mock", "start", "--exercises", "gqa,softmax,gqa", "--minutes", "20")
    assert shown.code == 0
    assert "gqa: named more than once, asked once." in shown.err
    assert "the clock stops after 20 minutes" in shown.err


def test_a_deadline_on_another_day_is_told_with_the_day() -> None:
    deadline = datetime(2026, 3, 2, 0, 30).astimezone()
    assert time_of(deadline, deadline - timedelta(minutes=10)) == "00:30:00"
    assert time_of(deadline, deadline - timedelta(hours=1)) == "2026-03-02 00:30:00"


def test_in_chinese(cli: Cli) -> None:
    assert "种子" in cli("mock", "start", "--exercises", "softmax", "--lang", "zh").out
    assert "剩余" in cli("mock", "status", "--lang", "zh").out


@pytest.mark.parametrize(
    "words",
    [
        ("start", "--minutes", "0"),
        ("start", "--profile", "no-such"),
        ("start", "--difficulty", "terrible"),
        ("start", "--topics", "no-such"),
        ("start", "--exercises", "no-such"),
        ("start", "--count", "0"),
        ("start", "--runs", "0"),
        ("start", "--minutes", "1"),
        ("status",),
        ("check",),
        ("submit",),
        ("next",),
        ("answer", "5"),
        ("finish",),
        ("report",),
        ("report", "7"),
    ],
)
def test_bad_input_is_one_message_with_a_hint(cli: Cli, home: Path, words: tuple[str, ...]) -> None:
    shown = cli("mock", *words)
    assert shown.code == 2
    assert "hint: thinkllm" in shown.err
    assert "Traceback" not in shown.err
    assert not (home / "mock").exists()


def test_a_run_tells_whether_and_not_why(cli: Cli, judge: Any, started: Any) -> None:
    write(started)
    judge.scenario = "wrong"
    shown = cli("mock", "check")
    assert shown.code == 1
    assert "does not pass" in shown.out
    assert "2 runs" in shown.out
    for secret in ("expected", "yours", "√head_dim", "values"):
        assert secret not in shown.out
    told = cli("mock", "check", "--json").json
    assert (told["runs_left"], told["counted"], told["repeated"]) == (2, False, True)
    assert "as it was at an earlier run" in cli("mock", "check").out
    write(started, code="def softmax(x):\n    return -x\n")
    told = cli("mock", "check", "--json").json
    assert (told["passed"], told["runs_left"], told["counted"], told["repeated"]) == (False, 1, True, False)
    assert not {"checks_by_id", "diagnosis", "cause"} & told.keys()


def test_a_file_that_python_cannot_read_takes_no_run(cli: Cli, started: Any) -> None:
    write(started, code="def softmax(x:\n")
    shown = cli("mock", "check")
    assert shown.code == 1
    assert "SyntaxError" in shown.out
    assert "3 runs" in shown.out


def test_the_whole_way(cli: Cli, judge: Any, started: Any, home: Path) -> None:
    write(started)
    judge.scenario = "pass"
    assert cli("mock", "check").code == 0
    submitted = cli("mock", "submit", "--json").json
    assert submitted["passed"]
    assert submitted["questions"]
    asked = cli("mock", "answer", "--json").json
    assert asked["question"] == submitted["questions"][0]["question"]
    assert cli("mock", "answer", "no number at all").code == 2
    for _ in submitted["questions"]:
        assert cli("mock", "answer", "1", "--json").code == 0
    assert cli("mock", "answer", "1").code == 2
    state = cli("mock", "status", "--json").json
    assert [problem["state"] for problem in state["problems"]] == ["submitted_passed", "open"]
    assert state["focus"] == "gqa"
    done = cli("mock", "finish", "--yes", "--json").json
    assert done["reason"] == "ended"
    assert [problem["outcome"] for problem in done["problems"]] == ["passed", "untouched"]
    assert Path(done["report"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert cli("mock", "list", "--json").json["interviews"][0]["score"] == done["score"]
    assert cli("mock", "report", "1", "--json").json["score"] == done["score"]
    assert cli("list", "--json").json["exercises"][0]["slug"]


def test_an_interview_over_says_so(cli: Cli, started: Any) -> None:
    cli("mock", "finish", "--yes")
    shown = cli("mock", "status")
    assert shown.code == 2
    assert "thinkllm mock report 1" in shown.err


def test_an_earlier_report_on_the_same_problem_waits(cli: Cli, started: Any) -> None:
    cli("mock", "finish", "--yes")
    cli("mock", "start", "--exercises", "gqa", "--minutes", "20")
    assert cli("mock", "report", "1").code == 2
    assert cli("mock", "report", "2").code == 2


def test_a_deleted_file(cli: Cli, started: Any) -> None:
    path = write(started)
    cli("mock", "status")
    path.unlink()
    shown = cli("mock", "check")
    assert shown.code == 2
    assert "thinkllm mock restore softmax" in shown.err
    assert cli("mock", "restore").code == 0
    assert "return x" in path.read_text(encoding="utf-8")
    assert cli("mock", "restore").code == 2


def test_the_profiles_are_listed(cli: Cli) -> None:
    assert cli("mock", "profiles", "--json").code == 0
