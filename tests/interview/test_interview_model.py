"""The state of an interview, from events and a clock that is passed in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from thinkllm_drill.interview.model import Interview, fold
from thinkllm_drill.progress.events import Event, stamp
from thinkllm_drill.verdict import Check, Verdict

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def verdict(status: str = "failed", passed: int = 1, failed: int = 1) -> dict[str, Any]:
    checks = [Check(f"p{n}", "", "values", "passed") for n in range(passed)]
    checks += [Check(f"f{n}", "", "values", "wrong") for n in range(failed)]
    return json.loads(json.dumps(Verdict("a", "a.py", status, "0", 0.1, checks=tuple(checks)).to_json()))  # type: ignore[arg-type]


class Log:
    """Events of interview 1, written down one after another."""

    def __init__(self, minutes: int = 30) -> None:
        self.events: list[Event] = []
        problems = [
            {"slug": slug, "minutes": 10, "difficulty": "easy", "file": f"{slug}.py", "stub": f"stub-{slug}"}
            for slug in ("a", "b", "c")
        ]
        start = {"minutes": minutes, "deadline": stamp(at(minutes)), "seed": "s", "runs": 2, "problems": problems}
        self.add(0, "start", None, **start)

    def add(self, when: float, what: str, slug: str | None, source: str | None = None, /, **payload: Any) -> Interview:
        payload |= {"interview": "1", "what": what}
        self.events.append(Event(len(self.events) + 1, at(when), "mock", slug, payload, source))
        return self.now

    @property
    def now(self) -> Interview:
        return fold(self.events)["1"]


@pytest.fixture
def log() -> Log:
    return Log()


def test_the_time_of_a_question_is_charged_to_no_problem(log: Log) -> None:
    log.add(5, "submit", "a", "s1", verdict=verdict("passed"), asked=["a.1", "a.2"])
    log.add(5, "ask", "a", question="a.1")
    assert log.now.seconds("b", at(7)) == 0
    assert log.now.question_seconds("a", at(7)) == 2 * 60
    log.add(8, "answer", "a", question="a.1", given="1", right=True)
    log.add(8, "ask", "a", question="a.2")
    log.add(9, "later", "a")
    log.add(11, "ask", "a", question="a.2")
    log.add(12, "snapshot", "b", "s2", saved=stamp(at(12)))  # somebody who saves has turned to the code
    now = log.add(15, "focus", "c")
    assert now.seconds("a", at(15)) == 5 * 60
    assert now.seconds("b", at(15)) == (2 + 3) * 60
    assert now.question_seconds("a", at(15)) == (4 + 1) * 60
    assert now.problem("a").focused == (at(0), at(5), at(8), at(11))
    assert now.problem("b").focused == (at(5), at(8), at(9), at(12))


def test_an_interview_begins_at_its_first_problem(log: Log) -> None:
    assert log.now.focus == "a"
    assert log.now.remaining(at(0)) == 30 * 60
    assert log.now.remaining(at(31)) == 0
    assert not log.now.running(at(30))


def test_time_counts_for_the_problem_in_focus(log: Log) -> None:
    log.add(4, "focus", "b")
    log.add(6, "focus", "a")
    interview = log.now
    assert interview.seconds("a", at(7)) == 5 * 60
    assert interview.seconds("b", at(7)) == 2 * 60
    assert interview.seconds("a", at(90)) == (4 + 24) * 60


def test_a_submission_is_final_and_turns_to_the_next_open_problem(log: Log) -> None:
    log.add(3, "focus", "b")
    log.add(5, "submit", "b", "h1", verdict=verdict("passed", failed=0))
    log.add(6, "submit", "b", "h2", verdict=verdict())
    problem = log.now.problem("b")
    assert problem.verdict is not None
    assert problem.verdict.passed
    assert (problem.submitted_at, problem.counted) == (at(5), "h1")
    assert log.now.focus == "c"
    assert log.add(7, "submit", "c", "h3", verdict=verdict()).focus == "a"
    assert log.add(8, "submit", "a", "h4", verdict=verdict()).focus is None


def test_a_problem_that_was_handed_in_does_not_come_into_focus(log: Log) -> None:
    log.add(1, "submit", "a", "h", verdict=verdict())
    assert log.add(2, "focus", "a").focus == "b"


@pytest.mark.parametrize(
    ("status", "counts"), [("failed", 1), ("passed", 1), ("error", 0), ("not_started", 0), ("internal", 0)]
)
def test_a_run_counts_where_something_was_graded(log: Log, status: str, counts: int) -> None:
    log.add(1, "run", "a", "h", verdict=verdict(status))
    assert log.now.problem("a").runs_taken == counts


def test_a_clock_that_was_set_back_takes_nothing_from_the_time_spent(log: Log) -> None:
    log.add(20, "focus", "b")
    log.add(-40, "clock", None, back=3600.0)
    interview = log.now
    assert interview.clock_back == 3600
    assert interview.remaining(at(-40)) == 10 * 60
    assert interview.remaining(at(-35)) == 5 * 60
    log.add(-35, "focus", "c")
    assert log.now.seconds("b", at(-35)) == 5 * 60
    assert not log.now.running(at(-30))


def test_without_the_notice_time_does_not_go_back_either(log: Log) -> None:
    log.add(20, "focus", "b")
    assert log.now.remaining(at(5)) == 10 * 60


def test_an_end_is_not_later_than_the_deadline_and_final(log: Log) -> None:
    log.add(50, "finish", None, reason="deadline")
    log.add(51, "finish", None, reason="ended")
    interview = log.now
    assert (interview.finished_at, interview.reason) == (at(30), "deadline")
    assert interview.problem("a").seconds == 30 * 60
    assert interview.remaining(at(1)) == 0
    assert not interview.graded


def test_it_is_graded_when_every_problem_and_every_late_version_is(log: Log) -> None:
    log.add(1, "submit", "a", "h", verdict=verdict())
    log.add(30, "finish", None, reason="deadline")
    log.add(31, "late", "b", "l", saved=stamp(at(31)))
    log.add(32, "grade", "b", "h", which="counted", verdict=verdict())
    assert not log.add(32, "grade", "c", None, which="counted", verdict=verdict("not_started", 0, 0)).graded
    assert log.add(33, "grade", "b", "l", which="late", verdict=verdict("passed")).graded
    problem = log.now.problem("b")
    assert problem.verdict is not None
    assert not problem.verdict.passed
    assert problem.late_verdict is not None
    assert problem.late_verdict.passed


def test_a_problem_added_comes_into_focus_once(log: Log) -> None:
    extra = {"slug": "d", "minutes": 5, "difficulty": "hard", "file": "d.py", "stub": "x"}
    log.add(2, "extend", "d", problem=extra, follows="a")
    log.add(3, "extend", "d", problem=extra, follows="a")
    assert [problem.slug for problem in log.now.problems] == ["a", "b", "c", "d"]
    assert log.now.focus == "d"
    assert log.now.problem("d").follows == "a"


def test_a_question_is_answered_once(log: Log) -> None:
    log.add(2, "answer", "a", question="a.1", given="5", right=False)
    log.add(3, "answer", "a", question="a.1", given="6", right=True)
    assert [answer.given for answer in log.now.problem("a").answers] == ["5"]


@pytest.mark.parametrize(
    "payload",
    [
        {"what": "run"},
        {"what": "run", "verdict": {"status": "failed"}},
        {"what": "focus"},
        {"what": "clock", "back": "x"},
        {"what": "no such thing"},
        {},
    ],
)
@pytest.mark.parametrize("slug", ["a", "unknown", None])
def test_events_that_are_not_understood_change_nothing(log: Log, payload: dict[str, Any], slug: str | None) -> None:
    before = log.now
    log.events.append(Event(2, at(1), "mock", slug, {"interview": "1", **payload}))
    after = log.now
    assert [problem.slug for problem in after.problems] == [problem.slug for problem in before.problems]
    assert after.deadline == before.deadline
    assert all(not problem.runs for problem in after.problems)
