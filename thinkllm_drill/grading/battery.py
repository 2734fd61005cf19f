"""The checks that every exercise gets: defined, contract, values, edges, gradients, rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from thinkllm_drill.grading import ahead, explain
from thinkllm_drill.grading.cases import Case
from thinkllm_drill.grading.compare import UNITS, Mismatch, Tolerance, Truth, compare
from thinkllm_drill.grading.local import Reference
from thinkllm_drill.grading.observe import Outcome, discrete, observe
from thinkllm_drill.grading.rng import Rng
from thinkllm_drill.judge import autodiff
from thinkllm_drill.judge.failures import AttemptRaised, ContractBroken, GradeFailure
from thinkllm_drill.judge.remote import Raised
from thinkllm_drill.judge.runner import describe
from thinkllm_drill.judge.under_way import Astray, Script
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.grading.session import GradingSession
    from thinkllm_drill.grading.suites import Suite

JITTERS = 8
REDRAWS = 40
SAME_DTYPE_DRAWS = 8
CLEAR = 2.0
"""An error of so many times what is allowed leaves no doubt."""
COTANGENTS = ("random", "expanded", "non-contiguous")


@dataclass(frozen=True)
class Probe:
    """One run of a scenario: a case in a memory layout; for gradients also the kind of cotangent.

    One that is not `declared` was made from a case by the battery, and left out where the reference does not allow it.
    """

    case: Case
    layout: str = ""
    cotangent: str = ""
    draw: int = 0
    declared: bool = True

    def key(self, suite: Suite, check: str) -> tuple[object, ...]:
        """What its random inputs are a function of, beside the seed."""
        return suite.entry, check, self.case.id, self.layout, self.cotangent, self.draw

    def named(self, check: str) -> dict[str, Any]:
        """What tells this probe of a check from the others, as JSON; the sizes are those it was shrunk to."""
        sizes = {name: value for name, value in self.case.params.items() if type(value) in (int, tuple)}
        place = {"layout": self.layout, "cotangent": self.cotangent, "draw": self.draw}
        return {"check": check, "case": self.case.id, "sizes": sizes, **place}

    @property
    def title(self) -> str:
        """What the learner reads."""
        words = self.case.words.here
        return f"{words} ({text('grading.layout.' + self.layout)})" if self.layout else words


@dataclass(frozen=True)
class Kind:
    """How the probes of one check are run and compared."""

    name: str
    scenario: Callable[[Suite, Any, Rng, Probe], Iterable[Any]]
    per: Any = "row"

    def tolerance(self, suite: Suite, probe: Probe) -> Tolerance:
        """The rule for one probe."""
        if probe.case.factor is not None:
            return Tolerance(probe.case.factor, self.per)
        return Tolerance.of(probe.case.reduction, elementwise=suite.elementwise, per=self.per)


FORWARD = Kind("forward", lambda suite, impl, rng, probe: suite.scenario(impl, rng, probe))
BACKWARD = Kind("backward", lambda suite, impl, rng, probe: suite.gradient_scenario(impl, rng, probe), "tensor")


def defined(grading: GradingSession, suite: Suite) -> str:
    """The entry exists, is what the reference has, and takes its arguments; returns its signature."""
    name = suite.entry
    ours, theirs = describe(getattr(grading.module, name)), grading.attempt.describe([name])[name]
    assert ours is not None
    if theirs is None:
        raise ContractBroken(text("grading.missing_name", name=name))
    if theirs["kind"] != ours["kind"]:
        raise ContractBroken(text(f"grading.not_a_{ours['kind']}", name=name))
    if ours["kind"] == "function":
        _same_parameters(name, ours["parameters"], theirs["parameters"])
        return f"{name}({_signature(ours['parameters'])})"
    for method, parameters in ours["methods"].items():
        if method not in theirs["methods"]:
            raise ContractBroken(text("grading.missing_method", name=name, method=method))
        _same_parameters(name if method == "__init__" else f"{name}.{method}", parameters, theirs["methods"][method])
    return f"{name}({_signature(ours['methods'].get('__init__'))})"


def contract(grading: GradingSession, suite: Suite) -> None:
    """The first case: type, shape and dtype; inputs unchanged; the same answer twice."""
    probe = Probe(suite.cases[0])
    truth = truth_of(grading, suite, probe, "values", FORWARD)
    first = run_attempt(grading, suite, probe, "values", FORWARD)
    if first.failure is not None and not (isinstance(first.failure, AttemptRaised) and raises(truth)):
        raise first.failure.with_cause(case=explain.named(probe), rerun=probe.case.id)
    mismatch = compare(truth, first, FORWARD.tolerance(suite, probe), structure_only=True)
    if (raised := unexpected(mismatch)) is not None:
        raise raised.with_cause(case=explain.named(probe), rerun=probe.case.id)
    if mismatch is not None and mismatch.kind == "contract":
        raise explain.failure(grading, suite, probe, "values", FORWARD, mismatch)
    _demand_unchanged(suite, first, probe)
    if suite.repeatable:
        again = run_attempt(grading, suite, probe, "values", FORWARD)
        if compare(Truth(first, first), again, Tolerance()) is not None:
            problem = ContractBroken(text("grading.not_repeatable"))
            raise problem.with_cause(case=explain.named(probe), rerun=probe.case.id)


def values(grading: GradingSession, suite: Suite) -> None:
    """Every case, on fresh inputs, against the reference."""
    run_probes(grading, suite, "values", FORWARD, probes_of(grading, suite, "values"))


def edges(grading: GradingSession, suite: Suite) -> None:
    """Special values and sizes, and other memory layouts of the same input."""
    run_probes(grading, suite, "edges", FORWARD, probes_of(grading, suite, "edges"))


def gradients(grading: GradingSession, suite: Suite) -> None:
    """Vector–Jacobian products with random cotangents."""
    run_probes(grading, suite, "gradients", BACKWARD, probes_of(grading, suite, "gradients"))


def rules(grading: GradingSession, suite: Suite) -> None:
    """No forbidden call was reached in any check before this one."""
    if (broken := grading.broken_rules.get(type(suite))) is not None:
        raise broken


def probes_of(grading: GradingSession, suite: Suite, check: str) -> list[Probe]:
    """The probes of a check of the battery."""
    if check == "edges":
        return [probe for probe in suite.all_edges() if probe.declared or _allowed(grading, suite, probe)]
    if check == "gradients":
        chosen = suite.cases[: suite.gradient_cases]
        kinds = [COTANGENTS[min(index, len(COTANGENTS) - 1)] for index in range(len(chosen))]
        probes = [Probe(case, cotangent=kind) for case, kind in zip(chosen, kinds, strict=True)]
        return [*probes, *(Probe(suite.cases[0], cotangent=kind) for kind in COTANGENTS if kind not in kinds)]
    return [Probe(case) for case in suite.cases]


def _allowed(grading: GradingSession, suite: Suite, probe: Probe) -> bool:
    """Whether the reference takes a case that was made from another one."""
    try:
        return suite.valid(**probe.case.params) and not raises(truth_of(grading, suite, probe, "edges", FORWARD))
    except Exception:  # sizes that the grader's own inputs do not allow
        return False


def run_probes(grading: GradingSession, suite: Suite, check: str, kind: Kind, probes: list[Probe]) -> None:
    """Grade probes one after the other; the first that is not right is shrunk, explained and raised."""
    if grading.only_case is not None:
        probes = [probe for probe in probes if probe.case.id == grading.only_case]
    with ahead.in_turn(grading, suite, check, kind, probes) as announced:
        for probe in announced:
            ready, outcome, mismatch = graded(grading, suite, probe, check, kind)
            if mismatch is not None:
                break
            _demand_unchanged(suite, outcome, ready)
        else:
            return
    if grading.diagnose:
        grading.suspect.expect()  # it starts while we explain
    if isinstance(mismatch, GradeFailure):
        raise mismatch.with_cause(case=explain.named(ready), rerun=ready.case.id, probe=ready.named(check))
    if grading.margins is not None:
        rest = probes[probes.index(probe) + 1 :]
        grading.ratio = _clearest(grading, suite, rest, check, kind, mismatch.ratio)
    raise explain.failure(grading, suite, ready, check, kind, mismatch)


def _clearest(
    grading: GradingSession, suite: Suite, probes: list[Probe], check: str, kind: Kind, ratio: float
) -> float:
    """The largest ratio of error to threshold that a wrong answer shows in a check; stops at what is clear."""
    for probe in probes:
        if ratio >= CLEAR:
            break
        _, _, mismatch = graded(grading, suite, probe, check, kind)
        if mismatch is not None:
            ratio = max(ratio, mismatch.ratio if isinstance(mismatch, Mismatch) else math.inf)
    return ratio


def _demand_unchanged(suite: Suite, outcome: Outcome, probe: Probe) -> None:
    if (problem := changed_in_place(suite, outcome)) is not None:
        raise problem.with_cause(case=explain.named(probe), rerun=probe.case.id)


def changed_in_place(suite: Suite, outcome: Outcome) -> ContractBroken | None:
    """What to say of inputs, or of what a backward pass was given and has returned, that do not hold what they did."""
    names = [name for name in outcome.changed if name not in suite.mutates]
    if not names:
        return None
    backward = any(name.startswith(("grad_outputs[", "outputs[")) for name in names)
    key = "grading.changed_in_backward" if backward else "grading.changed_input"
    return ContractBroken(text(key, names=", ".join(names)))


def graded(
    grading: GradingSession, suite: Suite, probe: Probe, check: str, kind: Kind
) -> tuple[Probe, Outcome, Mismatch | GradeFailure | None]:
    """Run one probe on the attempt and compare: the probe as drawn, the outcome, and what is wrong with it.

    A mismatch is measured against the conditioning of the case before it counts. Where a whole number, a text or an
    infinity of the reference's own answer changes as its inputs move by one roundoff, the inputs are drawn again; for a
    few draws also where it changes as the reference runs in the dtype of the case.
    """
    where = f"{check}: {probe.case.id}"
    for draw in range(REDRAWS):
        candidate = replace(probe, draw=draw)
        truth = truth_of(grading, suite, candidate, check, kind)
        outcome = run_attempt(grading, suite, candidate, check, kind)
        margins: list[float] = []
        mismatch = judged(suite, candidate, kind, truth, outcome, margins)
        if grading.margins is not None and mismatch is None:
            margin = _margin(grading, suite, candidate, check, kind, truth, outcome, margins)
            grading.margins.append((margin, where))
        if not isinstance(mismatch, Mismatch):
            return candidate, outcome, mismatch
        truth = conditioned(grading, suite, candidate, check, kind, truth)
        marks = discrete(truth.exact)
        settled = draw >= SAME_DTYPE_DRAWS or discrete(truth.same) == marks
        if settled and all(discrete(moved) == marks for moved in truth.jittered):
            margins.clear()
            mismatch = judged(suite, candidate, kind, truth, outcome, margins)
            if grading.margins is not None:
                grading.margins.append((max(margins, default=0.0), where))
            return candidate, outcome, mismatch
    raise AssertionError(f"{suite.entry}, {probe.case.id}: rounding decides the answer on every draw")


def _margin(
    grading: GradingSession,
    suite: Suite,
    probe: Probe,
    check: str,
    kind: Kind,
    truth: Truth,
    outcome: Outcome,
    margins: list[float],
) -> float:
    """The largest error of a right outcome as a part of what is allowed, the conditioning of the case included."""
    if max(margins, default=0.0) > 0.5:
        margins.clear()
        judged(suite, probe, kind, conditioned(grading, suite, probe, check, kind, truth), outcome, margins)
    return max(margins, default=0.0)


def judged(
    suite: Suite, probe: Probe, kind: Kind, truth: Truth, outcome: Outcome, margins: list[float] | None = None
) -> Mismatch | GradeFailure | None:
    """What is wrong with an outcome: a mismatch, the failure that it ended with, or nothing."""
    failure = outcome.failure
    if failure is not None and not isinstance(failure, AttemptRaised):
        return failure
    mismatch = compare(truth, outcome, kind.tolerance(suite, probe), margins=margins)
    return unexpected(mismatch) or mismatch


def unexpected(mismatch: Mismatch | None) -> AttemptRaised | None:
    """The exception of the attempt that a mismatch consists of, where none was to be raised."""
    if mismatch is None or not isinstance(mismatch.actual, Raised) or isinstance(mismatch.expected, Raised):
        return None
    failure = mismatch.actual.failure
    if failure is not None and mismatch.label:
        failure.with_cause(message=f"{mismatch.label}: {failure.cause.message}")
    return failure


def run_attempt(
    grading: GradingSession, suite: Suite, probe: Probe, check: str, kind: Kind, attempt: Any = None
) -> Outcome:
    """The outcome of the attempt, or of another one in its place, on a probe."""
    target = attempt or grading.attempt
    changed: list[str] = []

    def run(script: Script | None) -> Outcome:
        changed.clear()
        rng = grading.rng(*probe.key(suite, check))
        with target.following(script):
            return observe(lambda: kind.scenario(suite, target, rng, probe), trusted=False)

    target.on_changed = lambda names: changed.extend(name for name in names if name not in changed)
    try:
        outcome = run(grading.scripts.get(ahead.key_of(suite, check, probe)) if target is grading.attempt else None)
    except Astray:
        outcome = run(None)
    finally:
        target.on_changed = None
    return replace(outcome, changed=tuple(changed))


def truth_of(grading: GradingSession, suite: Suite, probe: Probe, check: str, kind: Kind) -> Truth:
    """What the reference shows on a probe, in fp64 and in the case's dtype."""
    key = ahead.key_of(suite, check, probe)
    if key not in grading.truths:
        run = _reference_runs(grading, suite, probe, check, kind)
        grading.truths[key] = Truth(run(grading.truth()), run(grading.same_dtype()))
    return grading.truths[key]


def conditioned(grading: GradingSession, suite: Suite, probe: Probe, check: str, kind: Kind, truth: Truth) -> Truth:
    """The truth with what the reference shows as its inputs move by one roundoff."""
    key, unit = probe.key(suite, check), UNITS[getattr(torch, probe.case.dtype)]
    run = _reference_runs(grading, suite, probe, check, kind)
    moved = tuple(run(grading.jittered(unit, grading.rng("jitter", k, *key))) for k in range(JITTERS))
    return replace(truth, jittered=moved)


def _reference_runs(
    grading: GradingSession, suite: Suite, probe: Probe, check: str, kind: Kind
) -> Callable[[Reference], Outcome]:
    key = probe.key(suite, check)
    return lambda impl: observe(lambda: kind.scenario(suite, impl, grading.rng(*key), probe), trusted=True)


def pullback(suite: Any, impl: Any, target: Any, inputs: dict[str, Any], rng: Rng, probe: Probe) -> Iterator[Any]:
    """Yield the gradients of a call for one random cotangent."""
    _, found = impl.vjp(target, inputs, suite.gradients, cotangents(suite, inputs, rng, probe))
    for name in sorted(found):
        yield name, found[name]


def cotangents(suite: Any, inputs: dict[str, Any], rng: Rng, probe: Probe) -> dict[int, Tensor]:
    """A random cotangent for each differentiable tensor of the output, by its position."""
    shapes = _output_shapes(suite, inputs, rng, probe)
    return {index: _cotangent(rng, shape, probe) for index, shape in shapes.items()}


def _output_shapes(suite: Any, inputs: dict[str, Any], rng: Rng, probe: Probe) -> dict[int, torch.Size]:
    """Shapes of the differentiable tensors of the output, by position, from the reference."""
    reference = suite.graded.same_dtype()
    if hasattr(suite, "build"):
        weights = suite.graded.rng(*probe.key(suite, "gradients"))
        own = suite.build(reference, rng=weights, dtype=probe.case.dtype, **probe.case.params)
    else:
        own = suite.truth(reference)
    output, _ = reference.vjp(own, inputs, suite.gradients, None)
    tensors = [tensor for _, tensor in autodiff.leaves(output)]
    chosen = suite.differentiable
    if chosen is None:
        chosen = [index for index, tensor in enumerate(tensors) if tensor.requires_grad]
    return {index: tensors[index].shape for index in chosen}


def _cotangent(rng: Rng, shape: torch.Size, probe: Probe) -> Tensor:
    dtype = getattr(torch, probe.case.dtype)
    if probe.cotangent == "expanded" and len(shape):
        return rng.normal(shape[-1:]).to(dtype).expand(shape)
    cotangent = rng.normal(shape).to(dtype)
    if probe.cotangent == "non-contiguous" and len(shape) > 1:
        return cotangent.mT.contiguous().mT
    return cotangent


def raises(truth: Truth) -> bool:
    """Whether the reference itself raises."""
    return any(isinstance(value, Raised) for _, value in truth.exact.observations)


def _same_parameters(name: str, ours: list[dict[str, Any]] | None, theirs: list[dict[str, Any]] | None) -> None:
    if ours is None or theirs is None:
        return
    names = [p["name"] for p in theirs]
    takes_any = any(p["kind"] == "VAR_KEYWORD" for p in theirs)
    for parameter in ours:
        if parameter["kind"].startswith("VAR_"):
            continue
        if parameter["name"] not in names and not takes_any:
            raise ContractBroken(
                text("grading.missing_parameter", name=name, parameter=parameter["name"], signature=_signature(theirs))
            )
    known = {p["name"] for p in ours}
    for parameter in theirs:
        if parameter["name"] not in known and parameter["default"] is None and not parameter["kind"].startswith("VAR_"):
            raise ContractBroken(text("grading.extra_parameter", name=name, parameter=parameter["name"]))
    order = [p["name"] for p in ours if p["kind"] == "POSITIONAL_OR_KEYWORD"]
    taken = [p["name"] for p in theirs if p["name"] in order and p["kind"].startswith("POSITIONAL")]
    if taken != [name for name in order if name in taken]:
        raise ContractBroken(
            text("grading.parameter_order", name=name, expected=", ".join(order), actual=", ".join(taken))
        )


def _signature(parameters: list[dict[str, Any]] | None) -> str:
    if parameters is None:
        return "…"
    shown = []
    for parameter in parameters:
        star = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter["kind"], "")
        default = f"={parameter['default']}" if parameter["default"] is not None else ""
        shown.append(star + parameter["name"] + default)
    return ", ".join(shown)
