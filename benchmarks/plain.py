"""What a learner would write without us: one pytest file that compares an attempt with a reference in one process.

It runs the scenarios of an exercise's own grader, every case and edge, on both, without runner, sandbox, tolerance
analysis, shrinking or explanation. `pytest benchmarks/plain.py` with PLAIN_SLUG and PLAIN_ATTEMPT in the environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from thinkllm_drill.content.library import Library
from thinkllm_drill.grading.battery import Probe
from thinkllm_drill.grading.local import Reference
from thinkllm_drill.grading.observe import detached, parts
from thinkllm_drill.grading.plugin import make_session
from thinkllm_drill.grading.session import load_module
from thinkllm_drill.grading.suites import Suite

SLUG = os.environ.get("PLAIN_SLUG", "softmax")
LIBRARY = Library(Path(__file__).resolve().parents[1])
PATHS = LIBRARY.paths(SLUG)
SESSION = make_session(LIBRARY, SLUG, b"", "attempt.py", None)  # type: ignore[arg-type]
ATTEMPT = Reference(load_module(Path(os.environ.get("PLAIN_ATTEMPT", PATHS.solution)), "attempt"), None)
GRADER = load_module(PATHS.grader, "plain_grader")
SUITES = [
    kind
    for kind in vars(GRADER).values()
    if isinstance(kind, type) and issubclass(kind, Suite) and kind.__name__.startswith("Test")
]


def _cases() -> list[Any]:
    found = []
    for kind in SUITES:
        kind.graded = SESSION
        probes = [*map(Probe, kind.cases), *(probe for probe in kind().all_edges() if probe.declared)]
        found += [pytest.param(kind, probe, id=f"{kind.entry}-{number}") for number, probe in enumerate(probes)]
    return found


@pytest.mark.parametrize(("kind", "probe"), _cases())
def test_values(kind: type[Suite], probe: Probe) -> None:
    expected, actual = (_shown(kind, probe, impl) for impl in (SESSION.same_dtype(), ATTEMPT))
    assert len(expected) == len(actual)
    for right, mine in zip(expected, actual, strict=True):
        if isinstance(right, torch.Tensor):
            torch.testing.assert_close(mine, right, equal_nan=True)


def _shown(kind: type[Suite], probe: Probe, impl: Reference) -> list[Any]:
    rng = SESSION.rng(*probe.key(kind(), "values"))
    try:
        return [detached(leaf) for value in kind().scenario(impl, rng, probe) for _, leaf in parts(value)]
    except Exception as error:  # the reference may be meant to raise
        return [type(error).__name__]
