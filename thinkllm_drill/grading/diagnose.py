"""Which known mistake an attempt equals, if it equals exactly one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from thinkllm_drill.grading import battery
from thinkllm_drill.grading.compare import Tolerance, Truth, compare
from thinkllm_drill.grading.observe import Outcome
from thinkllm_drill.judge.failures import AttemptRaised, GradeFailure
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.verdict import Diagnosis

if TYPE_CHECKING:
    from thinkllm_drill.grading.session import GradingSession
    from thinkllm_drill.grading.suites import Suite

SECONDS = 4.0
MATCH = 4.0
"""How much farther than the usual threshold two wrong answers may be apart and still be the same."""


def diagnose(grading: GradingSession, suite: Suite, check: str, own_test: Any = None) -> Diagnosis | None:
    """The one known mistake whose behaviour equals the attempt's in the check that failed.

    The attempt and the mistakes run the same probes on the same inputs. For a check of the battery these are its probes
    and those of `values`; a test of the exercise's own is run as it is and what it asked for is compared.
    """
    deadline = time.monotonic() + SECONDS
    plan = _own_plan(grading, suite, own_test) if own_test else _battery_plan(grading, suite, check)
    yours = [run(grading.attempt) for run in plan]
    if any(_no_signature(outcome) for outcome in yours):
        return None
    exact, alike = [], []
    for mistake in grading.mistakes:
        if time.monotonic() > deadline:
            return None
        attempt = grading.new_attempt(mistake.source.encode())
        try:
            theirs = [run(attempt) for run in plan]
        except GradeFailure:
            continue
        finally:
            attempt.close()
        if all(map(_equal, theirs, yours)):
            exact.append(mistake)
        elif check == "cost" and all(_same_failure(a, b) for a, b in zip(theirs, yours, strict=True)):
            alike.append(mistake)
    found = exact or alike
    if len(found) != 1:
        return None
    return Diagnosis(found[0].id, found[0].says.here)


def _battery_plan(grading: GradingSession, suite: Suite, check: str) -> list[Any]:
    kinds = {"gradients": battery.BACKWARD}
    probes = [(name, probe) for name in dict.fromkeys((check, "values")) for probe in battery.probes_of(suite, name)]

    def runner(name: str, probe: battery.Probe) -> Any:
        kind = kinds.get(name, battery.FORWARD)
        label = "values" if name == "contract" else name
        ready: list[battery.Probe] = []

        def run(attempt: Attempt) -> Outcome:
            if not ready:
                ready.append(battery.drawn(grading, suite, probe, label, kind)[0])
            return battery.run_attempt(grading, suite, ready[0], label, kind, attempt)

        return run

    return [runner(name, probe) for name, probe in probes]


def _own_plan(grading: GradingSession, suite: Suite, own_test: Any) -> list[Any]:
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
        return Outcome(tuple(("", item) for item in log), failure=failure)

    return [run]


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
