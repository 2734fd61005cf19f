"""Keeps the attempt at work while its answers are compared: what the next probes ask is sent before they run."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from thinkllm_drill.judge.under_way import Script

if TYPE_CHECKING:
    from thinkllm_drill.grading.battery import Kind, Probe
    from thinkllm_drill.grading.session import GradingSession
    from thinkllm_drill.grading.suites import Suite
    from thinkllm_drill.judge.script import Recorder

AHEAD = 2
"""Probes whose requests are under way beside those of the one that is being compared."""


def key_of(suite: Suite, check: str, probe: Probe) -> tuple[object, ...]:
    """What a probe's scenario is a function of, beside the seed and the implementation."""
    return (*probe.key(suite, check), tuple(map(str, probe.case.params.items())))


def script_of(grading: GradingSession, suite: Suite, probe: Probe, check: str, kind: Kind) -> Script | None:
    """What a probe will ask of the attempt, if that can be known."""
    named = ((name, getattr(grading.module, name, None)) for name in grading.api)
    classes = {name: dir(found) for name, found in named if inspect.isclass(found)}

    def run(recorder: Recorder) -> Iterable[Any]:
        return kind.scenario(suite, recorder, grading.rng(*probe.key(suite, check)), probe)

    return grading.scripts.of(key_of(suite, check, probe), classes, run)


@contextlib.contextmanager
def in_turn(
    grading: GradingSession, suite: Suite, check: str, kind: Kind, probes: Sequence[Probe]
) -> Iterator[Iterator[Probe]]:
    """The probes one after the other, to be run in this order; nothing is under way after the context."""
    try:
        yield _announced(grading, suite, check, kind, probes)
    finally:
        grading.attempt.let_go()


def _announced(
    grading: GradingSession, suite: Suite, check: str, kind: Kind, probes: Sequence[Probe]
) -> Iterator[Probe]:
    sent = 0
    for index, probe in enumerate(probes):
        while len(probes) > 1 and sent < min(len(probes), index + 1 + AHEAD):
            script = script_of(grading, suite, probes[sent], check, kind)
            if script is None or not grading.attempt.send_ahead(script):
                sent += sent == index  # it is asked as it runs, and what comes after it is sent after it
                break
            sent += 1
        yield probe
