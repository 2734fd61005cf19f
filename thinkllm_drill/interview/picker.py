"""Which problems an interview asks: they fit the clock, mix difficulties, and no two are nearly the same.

The same seed, wishes and history give the same interview.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from thinkllm_drill.content.index import Entry
from thinkllm_drill.content.path import LearningPath
from thinkllm_drill.errors import UsageError
from thinkllm_drill.interview.profiles import Profile
from thinkllm_drill.locale import text
from thinkllm_drill.progress.status import ExerciseStatus

TRIES = 12
"""Selections that are drawn; the best is taken. With many more, all seeds would give the same."""

WEIGHT_DUE, WEIGHT_WEAK, WEIGHT_NEW, WEIGHT_PASSED = 4.0, 3.0, 2.0, 1.0
ASKED = {"often": 1.0, "sometimes": 0.6, "rarely": 0.3}


@dataclass(frozen=True)
class Wishes:
    """What the learner asked for."""

    minutes: int = 45
    profile: Profile | None = None
    topics: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = ()
    count: int | None = None
    exercises: tuple[str, ...] = ()
    seed: str = ""


def pick(
    wishes: Wishes,
    entries: Mapping[str, Entry],
    path: LearningPath,
    statuses: Mapping[str, ExerciseStatus],
    today: date,
) -> tuple[Entry, ...]:
    """The problems in the order in which they are asked, from easy to hard.

    Args:
        wishes: what to fit; named exercises are taken as they are.
        entries: what can be asked here, by slug.
        path: its chains tell which exercises are near to each other.
        statuses: the learner's history: what is due, was failed, or never seen comes first.
        today: against which reviews are due.

    Raises:
        UsageError: nothing fits.
    """
    if wishes.exercises:
        return tuple(entries[slug] for slug in dict.fromkeys(wishes.exercises))
    fitting = [entry for entry in entries.values() if _wanted(entry, wishes)]
    if not fitting:
        raise UsageError(text("mock.nothing_fits"), hint="thinkllm mock start --minutes 45")
    shortest = min(fitting, key=lambda entry: (entry.minutes, entry.slug))
    if shortest.minutes > wishes.minutes:
        raise UsageError(
            text("mock.too_short", minutes=wishes.minutes, shortest=shortest.minutes),
            hint=f"thinkllm mock start --minutes {shortest.minutes}",
        )
    if wishes.count is not None and wishes.count > len(fitting):
        raise UsageError(text("mock.too_many", count=wishes.count, there=len(fitting)), hint="thinkllm list")
    chance = random.Random(wishes.seed)
    weights = {entry.slug: _weight(entry, statuses.get(entry.slug), today) for entry in fitting}
    near = _families(path)
    drawn = [_draw(chance, fitting, weights, near, wishes) for _ in range(TRIES)]
    drawn = [selection for selection in drawn if wishes.count in (None, len(selection))]
    if not drawn:
        raise UsageError(
            text("mock.count_does_not_fit", count=wishes.count, minutes=wishes.minutes),
            hint="thinkllm mock start --count 2",
        )
    best = max(drawn, key=lambda selection: _worth(selection, weights, wishes.minutes))
    return tuple(sorted(best, key=lambda entry: (_HARDNESS[entry.difficulty], entry.minutes, entry.slug)))


_HARDNESS = {"easy": 0, "medium": 1, "hard": 2}


def _wanted(entry: Entry, wishes: Wishes) -> bool:
    return (
        (wishes.profile is None or wishes.profile.asks(entry))
        and (not wishes.topics or entry.topic in wishes.topics)
        and (not wishes.difficulties or entry.difficulty in wishes.difficulties)
    )


def _weight(entry: Entry, status: ExerciseStatus | None, today: date) -> float:
    """How much an exercise should be asked."""
    if status is None or status.status == "new":
        kind = WEIGHT_NEW
    elif status.due is not None and status.due <= today:
        kind = WEIGHT_DUE
    else:
        kind = WEIGHT_PASSED if status.passed else WEIGHT_WEAK
    return kind * ASKED[entry.asked]


def _families(path: LearningPath) -> dict[str, set[str]]:
    """The chains in which an exercise stands; two of one chain are not asked in one interview."""
    families: dict[str, set[str]] = {}
    for name, slugs in (path.chains or {}).items():
        for slug in slugs:
            families.setdefault(slug, set()).add(name)
    return families


def _draw(
    chance: random.Random,
    fitting: Sequence[Entry],
    weights: Mapping[str, float],
    near: Mapping[str, set[str]],
    wishes: Wishes,
) -> tuple[Entry, ...]:
    """One selection: exercises in weighted random order, each taken if it fits and is not near to one before."""
    order = sorted(fitting, key=lambda entry: chance.random() ** (1 / weights[entry.slug]), reverse=True)
    taken: list[Entry] = []
    left, families = wishes.minutes, set[str]()
    for strict in (True, False):  # the second time round, what is near may come where nothing else fills the count
        for entry in order:
            full = wishes.count is not None and len(taken) == wishes.count
            if full or entry.minutes > left or entry in taken or (strict and near.get(entry.slug, set()) & families):
                continue
            taken.append(entry)
            left -= entry.minutes
            families |= near.get(entry.slug, set())
        if wishes.count is None:
            break
    return tuple(taken)


def _worth(selection: Iterable[Entry], weights: Mapping[str, float], minutes: int) -> float:
    """How good a selection is: time well filled, difficulties and topics mixed, what is needed, about four an hour."""
    entries = list(selection)
    filled = min(1.0, sum(entry.minutes for entry in entries) / (0.85 * minutes))
    kinds = len({entry.difficulty for entry in entries}) / min(3, max(1, len(entries)))
    topics = len({entry.topic for entry in entries}) / len(entries)
    need = sum(weights[entry.slug] for entry in entries) / len(entries) / WEIGHT_DUE
    number = abs(len(entries) - max(1.0, minutes / 15)) * 0.15
    return filled + 0.5 * kinds + 0.3 * topics + 0.6 * need - number


def follow_up(
    slug: str, asked: Iterable[str], left_minutes: float, entries: Mapping[str, Entry], path: LearningPath
) -> Entry | None:
    """What an interviewer goes on to when a problem was passed early: the next of its chain that fits the time left."""
    out = set(asked)
    following = [
        following
        for chain in (path.chains or {}).values()
        if slug in chain
        for following in chain[chain.index(slug) + 1 :]
    ]
    following += list(entries[slug].leads_to) if slug in entries else []
    for each in dict.fromkeys(following):
        if each in entries and each not in out and entries[each].minutes <= left_minutes:
            return entries[each]
    return None
