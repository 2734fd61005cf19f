"""Which problems are picked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkllm_drill.content import path as learning_path
from thinkllm_drill.content.library import Library
from thinkllm_drill.errors import UsageError
from thinkllm_drill.interview import profiles
from thinkllm_drill.interview.picker import Wishes, follow_up, pick
from thinkllm_drill.progress.status import ExerciseStatus

LIBRARY = Library.open()
ENTRIES = {entry.slug: entry for entry in LIBRARY.entries()}
PATH = learning_path.read(LIBRARY.root)
PROFILES = profiles.read(LIBRARY.root)
TODAY = date(2026, 11, 22)


def picked(wishes: Wishes, statuses: dict[str, ExerciseStatus] | None = None) -> list[str]:
    return [entry.slug for entry in pick(wishes, ENTRIES, PATH, statuses or {}, TODAY)]


def test_the_profiles_are_sound() -> None:
    assert profiles.problems(PROFILES.values(), ENTRIES) == []
    assert {"llm-core", "rlhf", "inference", "kernels", "ml-basics", "agents", "research"} <= PROFILES.keys()


@settings(max_examples=40)
@given(
    minutes=st.integers(10, 120),
    seed=st.text(max_size=6),
    name=st.sampled_from([None, *PROFILES]),
    count=st.sampled_from([None, 1, 2]),
)
def test_what_is_picked_fits_the_clock(minutes: int, seed: str, name: str | None, count: int | None) -> None:
    profile = PROFILES[name] if name else None
    wishes = Wishes(minutes=minutes, profile=profile, count=count, seed=seed)
    try:
        slugs = picked(wishes)
    except UsageError:
        return
    assert slugs
    assert len(set(slugs)) == len(slugs)
    assert count in (None, len(slugs))
    assert sum(ENTRIES[slug].minutes for slug in slugs) <= minutes
    assert profile is None or all(profile.asks(ENTRIES[slug]) for slug in slugs)
    assert slugs == picked(wishes)


def test_no_two_of_one_chain() -> None:
    chains = [set(chain) for chain in (PATH.chains or {}).values()]
    for seed in range(30):
        slugs = set(picked(Wishes(minutes=60, seed=str(seed))))
        assert all(len(slugs & chain) <= 1 for chain in chains)


def test_seeds_differ() -> None:
    assert len({tuple(picked(Wishes(minutes=45, seed=str(seed)))) for seed in range(20)}) > 10


def test_the_time_is_used() -> None:
    for seed in range(20):
        slugs = picked(Wishes(minutes=45, seed=str(seed)))
        assert sum(ENTRIES[slug].minutes for slug in slugs) >= 35
        assert 2 <= len(slugs) <= 5


def test_what_was_failed_is_asked_more_often_than_what_was_passed() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    passed = ExerciseStatus("gqa", "passed", runs=1, passes=1, last_at=now)
    weak = ExerciseStatus("gqa", "started", runs=5, last_at=now - timedelta(days=1))

    def times(status: ExerciseStatus) -> int:
        wishes = [Wishes(minutes=30, topics=("attention",), seed=str(seed)) for seed in range(60)]
        return sum("gqa" in picked(wish, {"gqa": status}) for wish in wishes)

    assert times(weak) > times(passed)


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(minutes=1),
        Wishes(minutes=45, count=60),
        Wishes(minutes=12, count=3),
        Wishes(minutes=45, topics=("ml",), count=9),
    ],
)
def test_what_does_not_fit_is_said(wishes: Wishes) -> None:
    with pytest.raises(UsageError) as caught:
        picked(wishes)
    assert caught.value.hint


def test_named_exercises_are_taken_as_they_are() -> None:
    assert picked(Wishes(minutes=5, exercises=("mla", "gqa", "mla"))) == ["mla", "gqa"]


def test_the_chain_goes_on() -> None:
    following = follow_up("mqa", ["mqa"], 30, ENTRIES, PATH)
    assert following is not None
    assert following.slug == "gqa"
    assert follow_up("mqa", ["mqa", "gqa"], 1, ENTRIES, PATH) is None
