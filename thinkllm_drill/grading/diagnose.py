"""Which known mistake an attempt equals, if it equals exactly one."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from thinkllm_drill.content.mistakes import Mistake
from thinkllm_drill.grading import battery
from thinkllm_drill.grading.compare import Tolerance, Truth, compare
from thinkllm_drill.grading.observe import Outcome, all_finite, detached
from thinkllm_drill.judge.failures import AttemptRaised, GradeFailure
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.verdict import Diagnosis

if TYPE_CHECKING:
    from thinkllm_drill.grading.session import GradingSession
    from thinkllm_drill.grading.suites import Suite


@dataclass(frozen=True)
class Step:
    """One thing to be asked of the attempt and of each mistake, and which of the observations of an answer are wrong.

    Changed inputs count as one more observation. `key` tells it from every other question of the same seed.
    """

    key: tuple[object, ...]
    run: Callable[[Attempt], Outcome]
    wrong: Callable[[Outcome], frozenset[int]]


WHOLE = frozenset({-1})
"""What is wrong with an answer as such: it has other observations, or it ended without them."""


LIKENESS = ("identical", "equal", "wrong alike", "twice", "cost")
"""Kinds of likeness that name a mistake, the strongest first."""

_LINE = re.compile(r"\bline \d+|第 \d+ 行")

MATCH = 4.0
"""How much farther than the usual threshold two wrong answers may be apart and still be the same."""


def diagnose(grading: GradingSession, suite: Suite, check: str, own_test: Any = None) -> Diagnosis | None:
    """The one known mistake whose behaviour equals the attempt's in the check that failed.

    The attempt and the mistakes run the same probes on the same inputs. For a check of the battery these are its probes
    and those of `values`; a test of the exercise's own is run as it is and what it asked for is compared. A mistake
    that another check catches first is not looked at, but for an answer of the wrong form, which may be any of them
    that a passed check does not catch.
    """
    deadline = time.monotonic() + grading.diagnosis_seconds
    name = next((failed.id for failed in grading.checks if failed.status not in ("passed", "skipped")), check)
    plan = [_own_step(name, own_test)] if own_test else _battery_plan(grading, suite, check)
    yours: list[tuple[Outcome, frozenset[int]]] = []
    found: dict[str, list[Mistake]] = {}
    right = {passed.id for passed in grading.checks if passed.status == "passed"}
    for mistake in grading.mistakes:
        if not mistake.names(name, check) and (check != "contract" or mistake.caught_by in right):
            continue
        if time.monotonic() > deadline:
            return None
        likeness = _likeness(grading, mistake, plan, yours, cost=check == "cost")
        found.setdefault(likeness, []).append(mistake)
    best = next((found[likeness] for likeness in LIKENESS if likeness in found), [])
    grading.alike = len(best)
    return Diagnosis(best[0].id, best[0].says.here) if len(best) == 1 else None


def _likeness(
    grading: GradingSession,
    mistake: Mistake,
    plan: list[Step],
    yours: list[tuple[Outcome, frozenset[int]]],
    *,
    cost: bool,
) -> str:
    """How a mistake's outcomes compare with `yours`, the attempt's of each step so far and what is wrong with them.

    "identical": bit by bit in every step, and in words. "equal": in every step, up to rounding. "wrong alike": in every
    observation in which one of them is wrong; what is right may be rounded otherwise. "twice": in at least two steps in
    which the attempt shows wrong numbers, from the one that failed on, before they part: it makes this and another
    mistake. "cost": refused with the same figures. Else "other", which for most mistakes shows at the first step.
    """
    telling, likeness = 0, "identical"
    for index, step in enumerate(plan):
        if index == len(yours):
            outcome = step.run(grading.attempt)
            yours.append((outcome, step.wrong(outcome)))
        outcome, bad = yours[index]
        if _no_signature(outcome, cost=cost):
            return "other"
        theirs = _shown_by(mistake, step, grading)
        if not _equal(theirs, outcome):
            if not _wrong_alike(theirs, outcome, bad | step.wrong(theirs)):
                if cost and index == 0 and _same_failure(theirs, outcome):
                    return "cost"
                return "twice" if telling >= 2 else "other"
            likeness = "wrong alike"
        elif likeness == "identical" and not _identical(theirs, outcome):
            likeness = "equal"
        telling += _tells(outcome, bad)
    return likeness if any(bad for _, bad in yours) else "other"


def _shown_by(mistake: Mistake, step: Step, grading: GradingSession) -> Outcome:
    """What a mistake shows in a step, which it is asked for once."""
    key = mistake.id, *step.key
    if key not in grading.suspected:
        if grading.suspect_is != mistake.id:
            grading.suspect.become(mistake.source.encode())
            grading.suspect_is = mistake.id
            with contextlib.suppress(GradeFailure):  # which the step will meet again
                grading.suspect.load()
        grading.suspected[key] = step.run(grading.suspect)
    return grading.suspected[key]


def _battery_plan(grading: GradingSession, suite: Suite, check: str) -> list[Step]:
    """The probes of the check from the one that failed on, then the ones before it and those of `values`."""
    kinds = {"gradients": battery.BACKWARD}
    names = dict.fromkeys(("values" if check == "contract" else check, "values"))
    probes = [(name, probe) for name in names for probe in battery.probes_of(grading, suite, name)]
    rerun = next((c.cause.rerun for c in grading.checks if c.cause is not None and c.status != "skipped"), None)
    start = next((k for k, (_, probe) in enumerate(probes) if probe.case.id == rerun), 0)

    def step(name: str, probe: battery.Probe) -> Step:
        kind = kinds.get(name, battery.FORWARD)

        def wrong(outcome: Outcome) -> frozenset[int]:
            truth = battery.truth_of(grading, suite, probe, name, kind)
            count = len(outcome.observations)
            unseen = outcome.failure is not None and not isinstance(outcome.failure, AttemptRaised)
            if unseen or count != len(truth.exact.observations):
                return WHOLE
            tolerance = kind.tolerance(suite, probe)
            bad = _wrong_parts(truth, outcome, tolerance) and _wrong_parts(conditioned(), outcome, tolerance)
            return bad | {count} if battery.changed_in_place(suite, outcome) else bad

        @cache
        def conditioned() -> Truth:
            truth = battery.truth_of(grading, suite, probe, name, kind)
            return battery.conditioned(grading, suite, probe, name, kind, truth)

        def run(attempt: Attempt) -> Outcome:
            return battery.run_attempt(grading, suite, probe, name, kind, attempt)

        return Step(probe.key(suite, name), run, wrong)

    return [step(name, probe) for name, probe in [*probes[start:], *probes[:start]]]


def _wrong_parts(truth: Truth, outcome: Outcome, tolerance: Tolerance) -> frozenset[int]:
    """Which observations of an outcome differ from those of the truth, of which there are as many."""
    places = range(len(outcome.observations))
    return frozenset(k for k in places if compare(truth.part(k), outcome.part(k), tolerance) is not None)


def _own_step(name: str, own_test: Callable[[Attempt], None]) -> Step:
    def run(attempt: Attempt) -> Outcome:
        attempt.log = []
        failure: GradeFailure | None = None
        try:
            own_test(attempt)
        except GradeFailure as error:
            failure = error
        except AssertionError as error:
            failure = GradeFailure(str(error))
        log, attempt.log = attempt.log, None
        return Outcome(tuple(("", detached(item)) for item in log), failure=failure)

    return Step((name,), run, lambda outcome: WHOLE)


def _no_signature(outcome: Outcome, *, cost: bool) -> bool:
    """Whether a run ended in a way that many answers share: no answer, a limit, a broken rule other than a cost."""
    status = outcome.failure and outcome.failure.status
    return status in ("timeout", "limit", "not_started") or (status == "rule" and not cost)


def _equal(theirs: Outcome, yours: Outcome, factor: float = 16.0 * MATCH) -> bool:
    """Whether two outcomes agree within so many roundoffs."""
    if _kind(theirs.failure) != _kind(yours.failure) or theirs.changed != yours.changed:
        return False
    truth = Truth(theirs, theirs)
    return compare(truth, replace(yours, failure=None), Tolerance(factor)) is None


def _wrong_alike(theirs: Outcome, yours: Outcome, bad: frozenset[int]) -> bool:
    """Whether two outcomes are equal in the observations that are `bad`."""
    if bad >= WHOLE or theirs.changed != yours.changed:
        return False
    return all(_equal(theirs.part(k), yours.part(k)) for k in bad)


def _tells(outcome: Outcome, bad: frozenset[int]) -> bool:
    """Whether wrong numbers are among what is bad, or changed inputs: a NaN, or no answer, has many causes."""
    return any(k >= len(outcome.observations) or all_finite(outcome.part(k)) for k in bad - WHOLE)


def _identical(theirs: Outcome, yours: Outcome) -> bool:
    """Whether two outcomes agree in every bit and in what is said of them, the lines of the code apart."""
    return _equal(theirs, yours, 0.0) and _words(theirs.failure) == _words(yours.failure)


def _words(failure: GradeFailure | None) -> str | None:
    return None if failure is None else _LINE.sub("", failure.cause.message)


def _same_failure(theirs: Outcome, yours: Outcome) -> bool:
    """Whether two costs are refused with the same figures."""
    if theirs.failure is None or yours.failure is None:
        return False
    return theirs.failure.cause.message == yours.failure.cause.message


def _kind(failure: GradeFailure | None) -> str | None:
    if isinstance(failure, AttemptRaised):
        return failure.type_name
    return None if failure is None else failure.status
