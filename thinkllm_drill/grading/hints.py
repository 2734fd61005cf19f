"""What else is told of a wrong answer: the first intermediate that differs, TF32, a gradient that suits its forward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from thinkllm_drill.grading import battery
from thinkllm_drill.grading.compare import Tolerance, Truth, compare
from thinkllm_drill.grading.observe import Outcome
from thinkllm_drill.judge.failures import GradeFailure
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.grading.rng import Rng
    from thinkllm_drill.grading.session import GradingSession
    from thinkllm_drill.grading.suites import Suite

LOOSE = 64.0
"""Roundoffs that an intermediate may be off: its scale is not that of the answer."""


def first_intermediate(
    grading: GradingSession, suite: Suite, probe: battery.Probe, check: str, kind: battery.Kind
) -> str | None:
    """The first of the suite's intermediates that differs from the reference's, in a sentence.

    Only names that the attempt gives to tensors of the reference's shape are looked at.
    """
    if not suite.intermediates:
        return None
    theirs = _watched(grading.attempt, grading, suite, probe, check, kind)
    exact = _watched(grading.truth(), grading, suite, probe, check, kind)
    same = _watched(grading.same_dtype(), grading, suite, probe, check, kind)
    for name in suite.intermediates:
        if not all(name in found for found in (theirs, exact, same)) or theirs[name].shape != exact[name].shape:
            continue
        truth = Truth(_shown(exact[name]), _shown(same[name]))
        if compare(truth, _shown(theirs[name].to(same[name].dtype)), Tolerance(LOOSE, "tensor")) is not None:
            return text("grading.first_intermediate", name=name)
    return None


def _shown(tensor: Tensor) -> Outcome:
    return Outcome((("", tensor),))


def _watched(
    impl: Any, grading: GradingSession, suite: Suite, probe: battery.Probe, check: str, kind: battery.Kind
) -> dict[str, Tensor]:
    """What an implementation's functions held under the names as they returned."""
    impl.intermediates = found = dict.fromkeys(suite.intermediates)
    try:
        if impl is grading.attempt:
            battery.run_attempt(grading, suite, probe, check, kind)
        else:
            for _ in kind.scenario(suite, impl, grading.rng(*probe.key(suite, check)), probe):
                pass
    except GradeFailure:
        return {}
    finally:
        impl.intermediates = None
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def rounds_to_tf32(grading: GradingSession, suite: Any, probe: battery.Probe, check: str) -> str | None:
    """That a kernel would be right, did `tl.dot` not round its operands to TF32; None if not."""

    def scenario(_: Suite, impl: Any, rng: Rng, probe: battery.Probe) -> Iterator[Any]:
        yield from suite.scenario(impl, rng, probe, exact_dots=True)

    exact = replace(battery.FORWARD, scenario=scenario)
    outcome = battery.run_attempt(grading, suite, probe, check, exact)
    truth = battery.truth_of(grading, suite, probe, check, battery.FORWARD)
    wrong = battery.judged(suite, probe, battery.FORWARD, truth, outcome) is not None
    return None if wrong else text("grading.rounds_to_tf32")


def suits_own_forward(
    grading: GradingSession, suite: Any, probe: battery.Probe, check: str, outcome: Outcome
) -> str | None:
    """That a hand-written gradient, though wrong, is right for the attempt's own forward function; None if not."""
    if not getattr(suite, "forward", ""):
        return None
    call, cotangents = suite.differentiated(grading.rng(*probe.key(suite, check)), probe)
    try:
        _, gradients = grading.attempt.vjp(grading.attempt[suite.forward], call, suite.gradients_of_forward, cotangents)
    except GradeFailure:
        return None
    own = [gradients[name] for name in suite.gradients_of_forward]
    value = own[0] if len(own) == 1 else tuple(own)
    expected = replace(outcome, observations=(("", value),))
    if compare(Truth(expected, expected), outcome, Tolerance(LOOSE, "tensor")) is not None:
        return None
    return text("grading.suits_own_forward", forward=suite.forward)
