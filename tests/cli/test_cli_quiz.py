"""`thinkllm quiz` and `thinkllm review`: questions asked, graded, recorded at once, and asked again when due."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.progress import store as store_module
from thinkllm_drill.progress.store import Store


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes these lines the standard input."""
    return lambda lines: monkeypatch.setattr(sys, "stdin", io.StringIO(lines))


@pytest.fixture
def ids(cli: Any) -> dict[str, list[str]]:
    """The ids of all questions by exercise."""
    found: dict[str, list[str]] = {}
    for slug in ("gqa", "softmax"):
        found[slug] = [row["id"] for row in cli("quiz", slug, "--list", "--json").json["questions"]]
    return found


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded was recorded ten days ago."""
    monkeypatch.setattr(store_module, "_utc_now", lambda: datetime.now(UTC) - timedelta(days=10))


def answers(home: Path) -> list[tuple[Any, Any, Any]]:
    with Store.open(home / "progress.db") as store:
        payloads = [event.payload for event in store.events() if event.kind == "answer"]
    return [(payload["given"], payload["right"], payload["self"]) for payload in payloads]


def test_lines_answer_one_question_each(cli: Any, home: Path, pipe: Any) -> None:
    pipe("2.5 GiB\n8\npartly\n")
    result = cli("quiz", "gqa")
    assert result.code == 1
    assert answers(home) == [("2.5 GiB", True, None), ("8", False, None), ("partly", None, "partly")]
    assert "right: 2,684,354,560 bytes (2.5 GiB)" in result.out
    assert "1 of 3 known" in result.out
    assert "thinkllm show gqa" in result.out


def test_everything_known_is_a_success(cli: Any, pipe: Any) -> None:
    pipe("2684354560\n1\ny\n")
    result = cli("quiz", "gqa")
    assert (result.code, "thinkllm show" in result.out) == (0, False)
    assert "3 in 2 days" in result.out


def test_an_empty_line_skips_and_q_ends(cli: Any, home: Path, pipe: Any) -> None:
    pipe("\n1\nq\ny\n")
    assert cli("quiz", "gqa").code == 0
    assert answers(home) == [("1", True, None)]


def test_what_cannot_be_read_is_not_recorded_and_tells_no_answer(cli: Any, home: Path, pipe: Any) -> None:
    pipe("2.5 seconds\nmany\nperhaps\n")
    result = cli("quiz", "gqa", "--json")
    assert result.code == 1
    assert [row["unreadable"] for row in result.json["answers"]] == ["unit", "syntax", "judgement"]
    assert [row["expected"] for row in result.json["answers"]] == [None] * 3
    assert answers(home) == []


def test_the_list_tells_no_answers_and_records_nothing(cli: Any, home: Path) -> None:
    result = cli("quiz", "--list", "--json")
    rows = result.json["questions"]
    assert len(rows) == 5
    assert set(rows[0]) == {"id", "slug", "kind", "ask", "unit", "tolerance", "due", "asked"}
    plain = cli("quiz", "gqa", "--list", "--lang", "zh").out.splitlines()
    assert [line.split("\t")[1] for line in plain] == ["number", "number", "open"]
    assert not (home / "progress.db").exists()


def test_answers_by_id(cli: Any, home: Path, ids: Any) -> None:
    first, second, third = ids["gqa"]
    result = cli("quiz", "--answer", f"{first}=2.5 GiB", "--answer", f"{second}=8", "--answer", f"{third}=y", "--json")
    assert result.code == 1
    rows = result.json["answers"]
    assert [(row["right"], row["self"]) for row in rows] == [(True, None), (False, None), (None, "yes")]
    assert rows[0]["due"] == (datetime.now().astimezone() + timedelta(days=2)).date().isoformat()
    assert "20 GiB" in rows[0]["because"]["en"]
    assert result.json["known"] == 2


def test_nothing_is_recorded_where_one_id_is_unknown(cli: Any, home: Path, ids: Any) -> None:
    for wrong in ("gqa.000000=1", "nonsense", "nothing=1", "quark.aaaaaa=1"):
        result = cli("quiz", "--answer", f"{ids['gqa'][0]}=1", "--answer", wrong)
        assert result.code == 2
        assert result.err
    assert not (home / "progress.db").exists()


@pytest.mark.usefixtures("long_ago")
def test_what_is_due_comes_first_and_alone_where_asked(cli: Any, ids: Any) -> None:
    asked = ids["softmax"][1]
    cli("quiz", "--answer", f"{asked}=0")
    assert cli("quiz", "--list", "--json").json["questions"][0]["id"] == asked
    due = cli("quiz", "--due", "--list", "--json").json["questions"]
    assert [(row["id"], row["asked"]) for row in due] == [(asked, 1)]
    assert cli("quiz", "gqa", "--due", "--list", "--json").json["questions"] == []
    assert cli("--json").json["due"] == {"exercises": 0, "questions": 1}
    assert "thinkllm review" in cli().out
    assert "thinkllm quiz --due" in cli("review").out


def test_nothing_due_is_said_with_the_next_day(cli: Any, ids: Any, pipe: Any) -> None:
    pipe("")
    assert "no questions" in cli("quiz", "--due").err
    cli("quiz", "--answer", f"{ids['gqa'][0]}=2.5 GiB")
    day = (datetime.now().astimezone() + timedelta(days=2)).date().isoformat()
    assert day in cli("quiz", "--due").err
    assert day in cli("review").out


def test_new_questions_come_from_what_was_worked_on(cli: Any) -> None:
    cli("drill", "gqa")
    slugs = [row["slug"] for row in cli("quiz", "--list", "--json", "--count", "4").json["questions"]]
    assert slugs[:3] == ["gqa"] * 3
    topic = cli("quiz", "--topic", "functions", "--list", "--json").json["questions"]
    assert {row["slug"] for row in topic} == {"softmax"}


@pytest.mark.usefixtures("long_ago")
def test_a_passed_exercise_is_due_in_list_and_review(cli: Any, judge: Any, solve: Any) -> None:
    cli("drill", "gqa")
    solve("gqa")
    cli("check", "gqa")
    row = next(row for row in cli("list", "--json").json["exercises"] if row["slug"] == "gqa")
    assert row["due"] == (datetime.now().astimezone() - timedelta(days=8)).date().isoformat()
    review = cli("review", "--json").json
    assert [(each["slug"], each["level"]) for each in review["exercises"]] == [("gqa", "body")]
    assert "thinkllm drill gqa --fresh --level body" in cli("review").out
    started = cli("review", "--start", "--json").json
    assert (started["slug"], started["level"]) == ("gqa", "body")


@pytest.mark.parametrize(
    "args", [["gqa", "--topic", "attention"], ["nothing"], ["--topic", "nothing"], ["--count", "0"]]
)
def test_what_cannot_be_asked_is_refused(cli: Any, args: list[str]) -> None:
    result = cli("quiz", *args)
    assert (result.code, result.out) == (2, "")


def test_an_answer_cannot_act_on_the_terminal(cli: Any, pipe: Any) -> None:
    pipe("\x1b[2J\n")
    assert "\x1b" not in cli("quiz", "gqa").out


def test_a_pass_tells_when_it_comes_back(cli: Any, judge: Any, solve: Any) -> None:
    cli("drill", "gqa")
    solve("gqa")
    assert "in 2 days" in cli("check", "gqa").out
    assert "in 2 days" not in cli("check", "gqa").out


@pytest.mark.slow
@pytest.mark.parametrize(("keys", "code"), [("\x04", 0), ("\x03", 130), ("q\r", 0)])
def test_leaving_at_a_terminal_loses_nothing(python_env: dict[str, str], home: Path, keys: str, code: int) -> None:
    pexpect = pytest.importorskip("pexpect")
    command = [sys.executable, ["-m", "thinkllm_drill", "quiz", "gqa"]]
    child = pexpect.spawn(*command, env=python_env, encoding="utf-8", timeout=20, dimensions=(24, 80))
    child.expect_exact("> ")
    child.send("2.5 GiX\r")
    child.expect_exact("does not fit")
    child.expect_exact("> ")
    child.send("2.5 GiB\r")
    child.expect_exact("right: 2,684,354,560 bytes")
    child.expect_exact("> ")
    child.send(keys)
    child.expect_exact("1 of 1 known, 2 not answered")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == code
    assert answers(home) == [("2.5 GiB", True, None)]
