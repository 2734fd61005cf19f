"""Which exercise to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from thinkllm_drill.locale import text
from thinkllm_drill.packages import missing

if TYPE_CHECKING:
    from thinkllm_drill.content.library import Entry
    from thinkllm_drill.progress.status import ExerciseStatus

PASSED = ("passed", "passed_speed_unmeasured")
_DIFFICULTIES = ("easy", "medium", "hard")
_ASKED = ("often", "sometimes", "rarely")


@dataclass(frozen=True)
class Choice:
    """An exercise and why it is the next."""

    entry: Entry
    reason: str
    level: str | None = None
    """The level of a review that is to begin; None where there is nothing to review or it has begun."""
    review: bool = False
    """Whether every exercise is passed and this is the one practised longest ago."""

    @property
    def typed(self) -> str:
        """The command that takes it up."""
        return f"thinkllm drill {self.entry.slug}" + (f" --fresh --level {self.level}" if self.level else "")


def choose(
    entries: Iterable[Entry],
    statuses: Mapping[str, ExerciseStatus],
    place: Mapping[str, int],
    *,
    other_than: str | None = None,
) -> Choice | None:
    """The first exercise that is not passed and whose requirements are; when all are passed, the one to review.

    They come in the order of the learning path; of those that are not on it easy ones are first, and the ones that are
    asked most. Requirements that this content does not have do not count; where each exercise left waits for another,
    the first of them is taken.

    Args:
        entries: all exercises.
        statuses: how the learner stands in each that they have begun.
        place: where an exercise stands on the learning path.
        other_than: an exercise that is chosen only if there is no other.
    """
    known = {entry.slug: entry for entry in entries}
    passed = {slug for slug, status in statuses.items() if status.status in PASSED}
    left = sorted((entry for entry in known.values() if entry.slug not in passed), key=lambda e: _rank(e, place))
    ready = [entry for entry in left if passed.issuperset(_required(entry, known))]
    if not left:
        return _review(known, statuses, other_than)
    entry = next((entry for entry in [*ready, *left] if entry.slug != other_than), left[0])
    return Choice(entry, _reason(entry, _required(entry, known), entry.slug in statuses))


def _review(
    known: Mapping[str, Entry], statuses: Mapping[str, ExerciseStatus], other_than: str | None
) -> Choice | None:
    """The exercise practised longest ago, with more to write than the last time; none that cannot be graded here."""
    gradable = [slug for slug, entry in known.items() if not missing(entry.needs)]
    if not gradable:
        return None
    never = datetime.min.replace(tzinfo=UTC)
    candidates = [slug for slug in gradable if slug != other_than] or gradable
    status = statuses[min(candidates, key=lambda slug: (statuses[slug].last_at or never, slug))]
    if status.attempt.passed_at is None and status.attempt.started_at is not None:
        return Choice(known[status.slug], text("cli.next.started"), review=True)
    level = "body" if status.level == "cloze" else "blank"
    return Choice(known[status.slug], text("cli.next.longest_ago"), level, review=True)


def _rank(entry: Entry, place: Mapping[str, int]) -> tuple[int, int, int, int, str]:
    on_the_path = place.get(entry.slug, len(place))
    return on_the_path, _DIFFICULTIES.index(entry.difficulty), _ASKED.index(entry.asked), entry.minutes, entry.slug


def _required(entry: Entry, known: Mapping[str, Entry]) -> list[str]:
    return [slug for slug in entry.requires if slug in known]


def _reason(entry: Entry, required: list[str], started: bool) -> str:
    reasons = [text(f"cli.difficulty.{entry.difficulty}"), text(f"cli.asked.{entry.asked}")]
    if required:
        reasons.append(text("cli.next.builds_on", slugs=", ".join(required)))
    if started:
        reasons.append(text("cli.next.started"))
    return text("cli.next.joint").join(reasons)
