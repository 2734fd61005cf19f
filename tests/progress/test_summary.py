"""The table by topic and what to work on."""

from __future__ import annotations

from dataclasses import dataclass

from thinkllm_drill.progress.status import ExerciseStatus
from thinkllm_drill.progress.summary import TopicSummary, by_topic, total, weak_spots


@dataclass(frozen=True)
class Entry:
    slug: str
    topic: str


ENTRIES = [
    Entry("gqa", "attention"),
    Entry("mha", "attention"),
    Entry("softmax", "functions"),
    Entry("mla", "attention"),
]
STATUSES = {
    "gqa": ExerciseStatus("gqa", "passed", runs=3, hints=1),
    "mha": ExerciseStatus("mha", "started", runs=4),
    "softmax": ExerciseStatus("softmax", "passed_speed_unmeasured", runs=1),
    "gone": ExerciseStatus("gone", "passed", runs=9, hints=3),
}


def test_one_row_a_topic() -> None:
    rows = by_topic(ENTRIES, STATUSES)
    assert rows == (
        TopicSummary("attention", total=3, passed=1, started=1, runs=7),
        TopicSummary("functions", total=1, passed=1, started=0, runs=1),
    )
    assert total(rows) == TopicSummary("", total=4, passed=2, started=1, runs=8)
    assert total(by_topic([], STATUSES)) == TopicSummary("")


def test_weak_spots_are_ranked() -> None:
    statuses = STATUSES | {"mla": ExerciseStatus("mla", "started", gave_up=True)}
    assert [spot.slug for spot in weak_spots(ENTRIES, statuses)] == ["mla", "gqa", "mha"]
    assert [spot.slug for spot in weak_spots(ENTRIES, statuses, limit=1)] == ["mla"]
    assert weak_spots(ENTRIES, {}) == ()
