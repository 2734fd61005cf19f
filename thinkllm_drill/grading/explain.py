"""Turns a wrong outcome into what the learner reads: the smallest failing case, the values, and where they differ."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from thinkllm_drill import locale
from thinkllm_drill.grading import battery, hints
from thinkllm_drill.grading.compare import Mismatch
from thinkllm_drill.grading.show import show, show_arguments, shown_part
from thinkllm_drill.grading.where import where
from thinkllm_drill.judge.failures import AttemptRaised, ContractBroken, GradeFailure, Wrong
from thinkllm_drill.judge.remote import Raised
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import Cause, Frame

if TYPE_CHECKING:
    from thinkllm_drill.grading.session import GradingSession
    from thinkllm_drill.grading.suites import Suite

SHRINK_SECONDS = 1.5
SHRINK_TRIES = 80
PLAIN = 16.0
"""A smaller case is shown where its error is so many times what is allowed, or as many times as in the graded one.

Sizes of 1 may cancel what is graded, and there right answers are off, too: what the attempt does wrong is not seen.
"""


def failure(
    grading: GradingSession,
    suite: Suite,
    probe: battery.Probe,
    check: str,
    kind: battery.Kind,
    mismatch: Mismatch,
) -> GradeFailure:
    """The failure of a mismatch, explained on the smallest case that still shows it."""
    small, found = (probe, mismatch)
    if grading.diagnose and grading.shrink:
        small, found = _shrunk(grading, suite, probe, check, kind, mismatch)
    expected, actual = show(found)
    label = text("grading.gradient_of", name=found.label) if kind is battery.BACKWARD and found.label else found.label
    place = " ".join(part for part in (label, _part(suite, found.path)) if part)
    message = f"{place}: {found.message}" if place else found.message
    if part := shown_part(found):
        message += text("grading.shown_part", part=part)
    cause = Cause(
        message=message,
        case=named(probe) if small is probe else small.case.describe(),
        expected=expected if grading.diagnose else None,
        actual=actual if grading.diagnose else None,
        where=_told(grading, suite, small, check, kind, _where(probe, mismatch, found)) if grading.diagnose else None,
        inputs=_inputs(grading, suite, small, check) if grading.diagnose else None,
        frames=_frames(found),
        rerun=probe.case.id,
        probe=small.named(check),
    )
    return (ContractBroken if mismatch.kind == "contract" else Wrong)(cause)


def named(probe: battery.Probe) -> str:
    """The case in words: its title and its parameters."""
    described = probe.case.describe()
    return text("grading.named_case", title=probe.title, described=described) if described else probe.title


def _where(probe: battery.Probe, mismatch: Mismatch, found: Mismatch) -> str | None:
    """Where the shown case differs; if nothing can be said of it, where the case does that it was made from."""
    if words := where(found):
        return words
    words = where(mismatch) if found is not mismatch else None
    return words and text("grading.where.before_shrinking", case=probe.title, words=words)


def _told(
    grading: GradingSession, suite: Suite, probe: battery.Probe, check: str, kind: battery.Kind, where: str | None
) -> str | None:
    """Where the shown case differs, the first intermediate that does, and whether a gradient suits its own forward."""
    sentences = [where]
    if kind is battery.FORWARD and grading.shrink:  # they ask the attempt again
        sentences.append(hints.first_intermediate(grading, suite, probe, check, kind))
        if suite.kernels:
            sentences.append(hints.rounds_to_tf32(grading, suite, probe, check))
        if getattr(suite, "forward", ""):
            outcome = battery.run_attempt(grading, suite, probe, check, kind)
            sentences.append(hints.suits_own_forward(grading, suite, probe, check, outcome))
    return ("" if locale.current() == "zh" else " ").join(sentence for sentence in sentences if sentence) or None


def _inputs(grading: GradingSession, suite: Suite, probe: battery.Probe, check: str) -> str | None:
    """The arguments of the case, where they fit a few lines."""
    try:
        arguments = suite.arguments(grading.rng(*probe.key(suite, check)), probe)
    except Exception:  # a help for the learner, never a reason to fail
        return None
    return show_arguments(arguments) if arguments else None


def _frames(mismatch: Mismatch) -> tuple[Frame, ...]:
    """The learner's own lines, where the attempt raised another exception than it should."""
    raised = mismatch.actual.failure if isinstance(mismatch.actual, Raised) else None
    return raised.cause.frames if raised is not None else ()


def _part(suite: Suite, path: str) -> str:
    """The path of a part of the output, with the name that the suite gives to it."""
    for index, name in enumerate(suite.outputs):
        if path == f"[{index}]" or path.startswith(f"[{index}]"):
            return name + path[len(f"[{index}]") :]
    return path


def _shrunk(
    grading: GradingSession,
    suite: Suite,
    probe: battery.Probe,
    check: str,
    kind: battery.Kind,
    mismatch: Mismatch,
) -> tuple[battery.Probe, Mismatch]:
    """The smallest probe found in the time allowed that fails in the same way."""
    deadline, tries = time.monotonic() + SHRINK_SECONDS, 0
    best = probe, mismatch
    progress = True
    while progress:
        progress = False
        for params in _smaller(best[0].case.params):
            if time.monotonic() > deadline or tries >= SHRINK_TRIES:
                return best
            tries += 1
            candidate = replace(best[0], case=best[0].case.with_params(params))
            found = _still_fails(grading, suite, candidate, check, kind, mismatch)
            if found is not None:
                best, progress = (candidate, found), True
                break
    return best


def _smaller(params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Parameters with one size made smaller: first much, then a little."""
    for name, value in params.items():
        if type(value) is int:
            for size in _sizes(value):
                yield {**params, name: size}
        elif type(value) is tuple and all(type(item) is int for item in value):
            for index, item in enumerate(value):
                for size in _sizes(item):
                    yield {**params, name: (*value[:index], size, *value[index + 1 :])}


def _sizes(value: int) -> list[int]:
    return sorted({size for size in (1, 2, 3, value // 2) if 0 < size < value})


def _still_fails(
    grading: GradingSession,
    suite: Suite,
    probe: battery.Probe,
    check: str,
    kind: battery.Kind,
    original: Mismatch,
) -> Mismatch | None:
    try:
        if not suite.valid(**probe.case.params):
            return None
        truth = battery.truth_of(grading, suite, probe, check, kind)
        if battery.raises(truth) and not isinstance(original.expected, Raised):
            return None
        _, _, found = battery.graded(grading, suite, probe, check, kind)
    except AttemptRaised:
        return None
    except GradeFailure:
        raise
    except Exception:  # sizes that the grader's own inputs do not allow
        return None
    if not isinstance(found, Mismatch) or found.kind != original.kind:
        return None
    return found if found.ratio >= max(battery.CLEAR, min(PLAIN, original.ratio)) else None
