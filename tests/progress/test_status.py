"""What the learner is told of an exercise follows from what happened."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thinkllm_drill.progress.store import Current, Store


def test_nothing_recorded_is_new(store: Store) -> None:
    status = store.status("gqa")
    assert (status.status, status.runs, status.passed, status.due) == ("new", 0, False, None)
    assert store.statuses() == {}
    assert store.current() is None


def test_the_way_to_a_pass(store: Store, clock: Any, learner: Any) -> None:
    learner.drill()
    assert store.status("gqa").status == "started"
    clock.forward(minutes=10)
    learner.check("failed")
    learner.hint(1)
    clock.forward(minutes=4)
    learner.check("passed")
    status = store.status("gqa")
    assert (status.status, status.runs, status.passes, status.hints, status.level) == ("passed", 2, 1, 1, "cloze")
    assert status.best_seconds == pytest.approx(840, abs=0.01)
    assert status.attempt.seconds == status.best_seconds
    assert (status.attempt.runs, status.attempt.hints) == (2, 1)
    assert status.first_passed_at == status.last_at == clock.time
    assert not status.saw_solution


def test_a_pass_is_never_lost(store: Store, learner: Any) -> None:
    learner.drill()
    learner.check("passed")
    first = store.status("gqa").first_passed_at
    for happens in (lambda: learner.check("failed"), learner.drill, learner.reset, lambda: learner.check("error")):
        happens()
        assert store.status("gqa").status == "passed"
    assert store.status("gqa").first_passed_at == first


def test_speed_measured_later_and_never_unmeasured_again(store: Store, learner: Any) -> None:
    learner.check("passed_speed_unmeasured")
    assert store.status("gqa").status == "passed_speed_unmeasured"
    assert store.status("gqa").passed
    learner.check("passed")
    learner.check("passed_speed_unmeasured")
    assert store.status("gqa").status == "passed"


@pytest.mark.parametrize("status", ["internal", "unavailable"])
def test_our_faults_count_for_nothing(store: Store, learner: Any, status: str) -> None:
    learner.drill()
    before = store.status("gqa")
    learner.check(status)
    assert store.status("gqa") == before
    assert store.activity() == {}
    assert store.history("gqa")[0].status == status


def test_a_check_of_an_untouched_attempt_is_no_run(store: Store, learner: Any) -> None:
    learner.drill()
    learner.check("not_started")
    status = store.status("gqa")
    assert (status.status, status.runs, store.activity()) == ("started", 0, {})


def test_the_best_time_is_of_the_quickest_fresh_start(store: Store, clock: Any, learner: Any) -> None:
    for minutes in (14, 5, 9):
        learner.drill()
        clock.forward(minutes=minutes)
        learner.check("passed")
        clock.forward(days=1)
        learner.check("passed")
    assert store.status("gqa").best_seconds == pytest.approx(300, abs=0.01)
    assert store.status("gqa").attempt.seconds == pytest.approx(540, abs=0.01)


def test_resuming_does_not_restart_the_clock(store: Store, clock: Any, learner: Any) -> None:
    learner.drill()
    clock.forward(minutes=1)
    learner.drill(resumed=True)
    clock.forward(minutes=1)
    learner.check("passed")
    assert store.status("gqa").best_seconds == pytest.approx(120, abs=0.01)


def test_no_time_is_told_where_the_start_is_not_known(store: Store, clock: Any, learner: Any) -> None:
    learner.drill(resumed=True)
    clock.forward(minutes=1)
    learner.check("passed")
    assert store.status("gqa").best_seconds is None
    assert store.status("gqa").started_at is not None


def test_a_clock_that_goes_back_gives_no_negative_time(store: Store, clock: Any, learner: Any) -> None:
    learner.drill()
    clock.forward(hours=-1)
    learner.check("passed")
    assert store.status("gqa").best_seconds == 0


@pytest.mark.parametrize("start", ["drill", "reset"])
def test_hints_are_closed_by_a_fresh_start_and_by_a_pass(store: Store, learner: Any, start: str) -> None:
    learner.drill()
    learner.hint(1)
    learner.hint(2)
    learner.drill(resumed=True)
    learner.check("failed")
    assert store.hints_used("gqa") == 2
    learner.check("passed")
    assert store.hints_used("gqa") == 0
    learner.hint(1)
    assert store.hints_used("gqa") == 1
    getattr(learner, start)()
    assert store.hints_used("gqa") == 0
    assert store.status("gqa").hints == 3
    assert store.hints_used("mha") == 0


def test_the_same_hint_asked_twice_at_once_is_one(store: Store, learner: Any) -> None:
    learner.hint(1)
    learner.hint(1)
    assert store.hints_used("gqa") == 1


def test_giving_up_and_bughunts_show_the_solution(store: Store, learner: Any) -> None:
    learner.solution(given_up=True)
    status = store.status("gqa")
    assert status.gave_up
    assert status.saw_solution
    store.record("drill", "mha", {"level": "bughunt", "file": "/a/mha.py", "resumed": False})
    assert store.status("mha").saw_solution
    assert not store.status("mha").gave_up
    store.record("solution", "mla", {"given_up": False})
    assert store.status("mla").saw_solution


def test_current_is_what_was_drilled_or_checked_last(store: Store, learner: Any) -> None:
    learner.drill()
    assert store.current() == Current("gqa", "/a/gqa.py")
    store.record("drill", "mha", {"level": "cloze", "file": "/a/mha.py", "resumed": False})
    learner.hint(1)
    learner.reset()
    assert store.current() == Current("mha", "/a/mha.py")
    store.record("reset", "mla", {"archived": "x", "file": "/a/mla.py"})
    assert store.current() == Current("mla", "/a/mla.py")
    learner.check("internal")
    assert store.current() == Current("gqa", "/a/gqa.py")


STEPS = st.one_of(
    st.tuples(st.just("drill"), st.sampled_from(["cloze", "body", "bughunt"]), st.booleans()),
    st.tuples(
        st.just("check"),
        st.sampled_from(["passed", "passed_speed_unmeasured", "failed", "error", "not_started", "internal"]),
    ),
    st.tuples(st.just("hint"), st.integers(1, 3)),
    st.tuples(st.just("solution"), st.booleans()),
    st.tuples(st.just("reset")),
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["gqa", "mha"]), STEPS), max_size=12))
def test_rebuilding_from_the_events_changes_nothing(store: Store, learner: Any, steps: list[Any]) -> None:
    for slug, (kind, *rest) in steps:
        learner.slug = slug
        if kind == "drill":
            learner.drill(rest[0], resumed=rest[1])
        elif kind == "solution":
            learner.solution(given_up=rest[0])
        else:
            getattr(learner, kind)(*rest)
    before, days = store.statuses(), store.activity()
    store.rebuild()
    assert store.statuses() == before
    assert store.activity() == days
    for earlier, later in itertools.pairwise(store.events()):
        assert earlier.id < later.id
