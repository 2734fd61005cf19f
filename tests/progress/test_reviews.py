"""When exercises and questions come back: from the events alone, by a clock that is passed in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.progress.store import Store


def days(store: Store, key: str = "gqa") -> int:
    """Days from the last review to the next."""
    review = store.reviews()[key]
    return (review.due - review.last_at).days


def answer(store: Store, right: bool | None, judged: str | None = None, question: str = "gqa.abc123") -> None:
    store.record("answer", "gqa", {"question": question, "given": "1", "right": right, "self": judged})


def test_a_pass_without_hints_comes_back_in_two_days_and_then_later(store: Store, clock: Any, learner: Any) -> None:
    learner.drill()
    learner.check("failed")
    assert store.reviews() == {}
    learner.check("passed")
    assert (store.reviews()["gqa"].grade, days(store)) == ("good", 2)
    learner.check("passed")
    assert store.reviews()["gqa"].count == 1
    clock.forward(days=2)
    learner.drill()
    learner.check("passed")
    assert store.reviews()["gqa"].count == 2
    assert days(store) > 5


def test_help_and_giving_up_bring_it_back_sooner(store: Store, learner: Any) -> None:
    learner.drill()
    learner.hint(1)
    learner.check("passed")
    assert (store.reviews()["gqa"].grade, days(store)) == ("hard", 1)
    learner.drill()
    learner.solution(given_up=True)
    review = store.reviews()["gqa"]
    assert (review.grade, review.count, review.lapses) == ("again", 2, 1)


def test_looking_at_the_reference_after_a_pass_is_no_lapse(store: Store, learner: Any) -> None:
    learner.drill()
    learner.check("passed")
    learner.solution(given_up=True)
    assert store.reviews()["gqa"].lapses == 0


def test_verdicts_that_count_for_nothing_schedule_nothing(store: Store, learner: Any) -> None:
    learner.drill()
    for status in ("internal", "unavailable", "not_started", "error", "failed"):
        learner.check(status)
    assert store.reviews() == {}


@pytest.mark.parametrize(
    ("right", "judged", "grade"),
    [
        (True, None, "good"),
        (False, None, "again"),
        (None, "yes", "good"),
        (None, "partly", "hard"),
        (None, "no", "again"),
    ],
)
def test_an_answer_schedules_its_question(store: Store, right: bool | None, judged: str | None, grade: str) -> None:
    answer(store, right, judged)
    review = store.reviews()["gqa.abc123"]
    assert (review.slug, review.grade) == ("gqa", grade)
    assert "gqa" not in store.reviews()
    assert store.status("gqa").status == "new"


def test_an_answer_that_nobody_judged_schedules_nothing(store: Store) -> None:
    answer(store, None)
    store.record("answer", "gqa", {"question": 3, "right": True})
    store.record("answer", "gqa", {})
    assert store.reviews() == {}


def test_a_lapse_shortens_the_interval(store: Store, clock: Any) -> None:
    for _ in range(3):
        answer(store, True)
        clock.forward(days=days(store, "gqa.abc123"))
    long = days(store, "gqa.abc123")
    answer(store, False)
    assert days(store, "gqa.abc123") < long / 2


def test_no_interval_is_longer_than_a_year(store: Store, clock: Any) -> None:
    for _ in range(12):
        answer(store, True)
        clock.forward(days=days(store, "gqa.abc123"))
    assert days(store, "gqa.abc123") == 365


@pytest.mark.parametrize(
    ("payload", "key", "grade"),
    [
        ({"what": "answer", "question": "gqa.abc123", "right": True}, "gqa.abc123", "good"),
        ({"what": "submit", "verdict": {"status": "passed"}}, "gqa", "good"),
        ({"what": "grade", "which": "counted", "verdict": {"status": "failed"}}, "gqa", "again"),
    ],
)
def test_an_interview_is_a_review(store: Store, payload: dict[str, Any], key: str, grade: str) -> None:
    store.record("mock", "gqa", {"interview": "1", **payload})
    assert {key: review.grade for key, review in store.reviews().items()} == {key: grade}


def test_what_came_late_or_was_not_begun_is_no_review(store: Store) -> None:
    late = {"what": "grade", "which": "late", "verdict": {"status": "passed"}}
    untouched = {"what": "grade", "which": "counted", "verdict": {"status": "not_started"}}
    for payload in (late, untouched, {"what": "run", "verdict": {"status": "passed"}}):
        store.record("mock", "gqa", {"interview": "1", **payload})
    assert store.reviews() == {}


def test_the_status_tells_the_day(store: Store, learner: Any) -> None:
    learner.drill()
    learner.check("passed")
    due = store.reviews()["gqa"].due
    assert due == datetime(2026, 3, 6, 12, 0, 0, due.microsecond, tzinfo=UTC)
    assert store.status("gqa").due == store.statuses()["gqa"].due == due.astimezone().date()
    assert store.reviews()["gqa"].day(UTC) == due.date()


def test_reviews_follow_from_the_events(store: Store, clock: Any, learner: Any) -> None:
    for number in range(6):
        learner.drill()
        learner.check("passed")
        answer(store, number % 2 == 0)
        answer(store, None, "partly", "gqa.def456")
        clock.forward(days=3, hours=number)
        learner.solution(given_up=number == 2)
    before = store.reviews()
    store.rebuild()
    assert store.reviews() == before
    assert set(before) == {"gqa", "gqa.abc123", "gqa.def456"}


def test_a_clock_that_went_back_or_stands_at_the_end_of_time_breaks_nothing(
    store: Store, clock: Any, database: Path
) -> None:
    answer(store, True)
    clock.forward(days=-30)
    answer(store, True)
    assert store.reviews()["gqa.abc123"].count == 2
    clock.time = datetime.max.replace(tzinfo=UTC) - timedelta(hours=5)
    answer(store, True)
    store.rebuild()
    assert store.reviews()["gqa.abc123"].count == 2


def test_a_lost_table_is_made_anew(store: Store, database: Path) -> None:
    answer(store, True)
    store.close()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE reviews")
        connection.commit()
    with Store.open(database) as again:
        assert set(again.reviews()) == {"gqa.abc123"}
