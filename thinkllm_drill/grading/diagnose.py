"""Which known mistake an attempt equals, if it equals exactly one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from thinkllm_drill.grading import battery
from thinkllm_drill.grading.compare import Tolerance, Truth, compare
from thinkllm_drill.grading.observe import Outcome, detached
from thinkllm_drill.judge.failures import AttemptRaised, GradeFailure
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.verdict import Diagnosis

if TYPE_CHECKING:
    from thinkllm_drill.grading.session import GradingSession
    from thinkllm_drill.grading.suites import Suite

Run = Callable[[Attempt], Outcome]

MATCH = 4.0
"""How much farther than the usual threshold two wrong answers may be apart and still be the same."""


def diagnose(grading: GradingSession, suite: Suite, check: str, own_test: Any = None) -> Diagnosis | None:
    """The one known mistake whose behaviour equals the attempt's in the check that failed.

    The attempt and the mistakes run the same probes on the same inputs. For a check of the battery these are its probes
    and those of `values`; a test of the exercise's own is run as it is and what it asked for is compared.
    """
    deadline = time.monotonic() + grading.diagnosis_seconds
    plan = [_own_run(own_test)] if own_test else _battery_plan(grading, suite, check)
    yours: list[Outcome] = []
    exact, alike = [], []
    for mistake in grading.mistakes:
        if time.monotonic() > deadline:
            return None
        try:
            grading.suspect.become(mistake.source.encode())
            verdict = _compared(grading, plan, yours, cost=check == "cost")
        except GradeFailure:
            continue
        if verdict == "equal":
            exact.append(mistake)
        elif verdict == "alike":
            alike.append(mistake)
    found = exact or alike
    return Diagnosis(found[0].id, found[0].says.here) if len(found) == 1 else None


def _compared(grading: GradingSession, plan: list[Run], yours: list[Outcome], *, cost: bool) -> str:
    """Whether a mistake's outcomes are "equal" to the attempt's, "alike" in what they cost, or "other".

    Stops at the first that differs, which for most mistakes is the probe that failed.
    """
    alike = cost
    for index, run in enumerate(plan):
        if index == len(yours):
            yours.append(run(grading.attempt))
        if _no_signature(yours[index]):
            return "other"
        theirs = run(grading.suspect)
        if not _equal(theirs, yours[index]):
            alike = alike and _same_failure(theirs, yours[index])
            return "alike" if alike else "other"
    return "equal"


def _battery_plan(grading: GradingSession, suite: Suite, check: str) -> list[Run]:
    """The probes of the check from the one that failed on, then the ones before it and those of `values`."""
    kinds = {"gradients": battery.BACKWARD}
    names = dict.fromkeys(("values" if check == "contract" else check, "values"))
    probes = [(name, probe) for name in names for probe in battery.probes_of(suite, name)]
    rerun = next((c.cause.rerun for c in grading.checks if c.cause is not None and c.status != "skipped"), None)
    start = next((k for k, (_, probe) in enumerate(probes) if probe.case.id == rerun), 0)

    def runner(name: str, probe: battery.Probe) -> Run:
        kind = kinds.get(name, battery.FORWARD)
        return lambda attempt: battery.run_attempt(grading, suite, probe, name, kind, attempt)

    return [runner(name, probe) for name, probe in [*probes[start:], *probes[:start]]]


def _own_run(own_test: Callable[[Attempt], None]) -> Run:
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

    return run


def _no_signature(outcome: Outcome) -> bool:
    """Whether a run ended in a way that many answers share: no answer, a limit, a broken rule."""
    return outcome.failure is not None and outcome.failure.status in ("timeout", "limit", "rule", "not_started")


def _equal(theirs: Outcome, yours: Outcome) -> bool:
    if _kind(theirs.failure) != _kind(yours.failure) or theirs.changed != yours.changed:
        return False
    truth = Truth(theirs, theirs)
    return compare(truth, replace(yours, failure=None), Tolerance(16.0 * MATCH)) is None


def _same_failure(theirs: Outcome, yours: Outcome) -> bool:
    """Whether two costs are refused with the same figures."""
    if theirs.failure is None or yours.failure is None:
        return False
    return theirs.failure.cause.message == yours.failure.cause.message


def _kind(failure: GradeFailure | None) -> str | None:
    if isinstance(failure, AttemptRaised):
        return failure.type_name
    return None if failure is None else failure.status
