"""What one grading run knows: the exercise, the two implementations, the seed, and what the caller asked for."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from thinkllm_drill.content.library import Paths
from thinkllm_drill.content.mistakes import Mistake
from thinkllm_drill.content.mistakes import load as load_mistakes
from thinkllm_drill.grading.compare import Truth
from thinkllm_drill.grading.local import Reference
from thinkllm_drill.grading.observe import Outcome
from thinkllm_drill.grading.rng import Rng
from thinkllm_drill.judge.failures import GradeFailure
from thinkllm_drill.judge.limits import Limits
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.judge.script import Scripts
from thinkllm_drill.verdict import Check, Diagnosis


@dataclass
class GradingSession:
    """One attempt under grading.

    `suspect` is a proxy in a runner of its own that the known mistakes are loaded into.
    """

    slug: str
    seed: str
    api: tuple[str, ...]
    forbid: tuple[str, ...]
    attempt: Attempt
    module: types.ModuleType
    suspect: Attempt
    paths: Paths
    needs: tuple[str, ...] = ()
    only_case: str | None = None
    known_cases: tuple[str, ...] = ()
    diagnose: bool = True
    shrink: bool = True
    diagnosis_seconds: float = 6.0
    device: str = "cpu"
    limits: Limits = field(default_factory=Limits)
    on_check: Callable[[Check], None] = lambda check: None
    on_plan: Callable[[list[Check]], None] = lambda checks: None
    checks: list[Check] = field(default_factory=list)
    broken_rules: dict[Any, GradeFailure] = field(default_factory=dict)
    """By suite class: the forbidden call that its check of the rules will report."""
    stopped: dict[Any, Check] = field(default_factory=dict)
    """By suite class: the first check that did not pass; those after it are not run."""
    failed: Any = None
    """The suite class and the check of the first failure, once there is one."""
    failure: GradeFailure | None = None
    diagnosis: Diagnosis | None = None
    alike: int = 0
    """How many of the known mistakes the attempt is like, in the same measure; it is named where it is like one."""
    speeds: list[dict[str, Any]] = field(default_factory=list)
    """The figures of the shapes that were timed; see `gpu.ruling.Figures`."""
    truths: dict[tuple[object, ...], Truth] = field(default_factory=dict)
    """What the reference showed, by probe: the same question is asked again while a failure is explained."""
    scripts: Scripts = field(default_factory=Scripts)
    """What the battery will ask of the attempt, by probe; see `grading.ahead`."""
    state_dicts: dict[tuple[object, ...], dict[str, torch.Tensor]] = field(default_factory=dict)
    """A state dict of the reference's module by entry and config: names, shapes, and what is not random."""
    suspected: dict[tuple[object, ...], Outcome] = field(default_factory=dict)
    """What a known mistake showed, by its id and what was asked of it."""
    suspect_is: str = ""
    """The id of the mistake that `suspect` is at present."""
    margins: list[tuple[float, str]] | None = None
    """Where it is a list: how far each case was off at most, as a part of what is allowed, and which case it is."""
    ratio: float | None = None
    """How far the wrong values of the check that failed were off, likewise; measured where `margins` is a list."""

    @cached_property
    def mistakes(self) -> Sequence[Mistake]:
        """The known mistakes, read when one is first asked for: most gradings never do."""
        return load_mistakes(self.paths)

    def rng(self, *key: object) -> Rng:
        """A generator keyed by the seed of the run and the key."""
        return Rng(self.seed, *key)

    def truth(self) -> Reference:
        """The reference in fp64."""
        return Reference(self.module, torch.float64)

    def same_dtype(self) -> Reference:
        """The reference in the dtype of its inputs."""
        return Reference(self.module, None)

    def jittered(self, unit: float, rng: Rng) -> Reference:
        """The reference in fp64 on inputs moved by one roundoff."""
        return Reference(self.module, torch.float64, jitter=unit, rng=rng)


def load_module(path: Path, name: str) -> types.ModuleType:
    """Import a trusted file under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
