"""The check `speed`: right on the GPU, compiled, and then fast enough."""

from __future__ import annotations

import contextlib
import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkllm_drill.gpu import facts
from thinkllm_drill.gpu.bench import COPY, COPY_BYTES
from thinkllm_drill.gpu.processes import LIMITS, BenchFailed, BenchProcess, DeviceAttempt, alone, launcher
from thinkllm_drill.gpu.protocol import Game, Measurement, Plan
from thinkllm_drill.gpu.recipe import recipe
from thinkllm_drill.gpu.ruling import Figures, figures_of, limit_of, slow, told
from thinkllm_drill.gpu.stage import Asked
from thinkllm_drill.grading import battery
from thinkllm_drill.grading.compare import Tolerance
from thinkllm_drill.judge.failures import (
    GradeFailure,
    RuleBroken,
    Suspect,
    TooSlow,
    Unavailable,
    Wrong,
)
from thinkllm_drill.judge.link import Capture
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.grading.session import GradingSession
    from thinkllm_drill.grading.speed import Speed

OTHER_INSTRUCTIONS = 2.0
"""A GPU's division, root and exponential are right to two units in the last place, not to one half."""
TENSOR_CORES = 2.0**13
"""tl.dot of float32 rounds its operands to TF32, unless it is told not to."""
HALF_FACTOR = 8.0
MOST_FACTOR = 2.0**20
AUDITED = 3
BATTERY = (("values", battery.FORWARD), ("edges", battery.FORWARD), ("gradients", battery.BACKWARD))
BASELINES = ("eager", "compile")


@dataclass(frozen=True)
class OnDevice(battery.Kind):
    """A check of the battery with the tolerance of a GPU."""

    dots: bool = False

    def tolerance(self, suite: Any, probe: battery.Probe) -> Tolerance:
        found = super().tolerance(suite, probe)
        factor = found.factor * OTHER_INSTRUCTIONS
        if self.dots and probe.case.dtype == "float32":
            factor = max(factor, min(factor * TENSOR_CORES, MOST_FACTOR))
        return replace(found, factor=factor)


def grade(grading: GradingSession, suite: Any) -> str:
    """What to tell of the shapes of a suite, all of which are fast enough; their figures are in `grading.speeds`.

    Raises:
        Unavailable: there is no GPU, or it was not asked for, or the figures are too close to tell.
        GradeFailure: the attempt is not right there, or not fast enough, or its time cannot be true.
    """
    if grading.device != "cuda":
        raise Unavailable(text("gpu.not_asked", slug=grading.slug) if facts.present() else text("gpu.not_here"))
    if grading.only_case is not None:
        raise Unavailable(text("gpu.not_asked", slug=grading.slug))
    with alone(), processes(grading) as (attempt, bench):
        about = bench.facts()  # if it gives none, nobody blames the attempt
        launches = right_there(grading, suite, attempt)
        return _ruled(grading, suite, attempt, bench, about, launches)


@contextlib.contextmanager
def processes(grading: GradingSession) -> Iterator[tuple[DeviceAttempt, BenchProcess]]:
    """The processes of the attempt and of the baselines, on the GPU."""
    paths = grading.paths
    hidden = [paths.solution.parents[1], paths.grader.parents[1]]
    for_attempt, for_bench = launcher("attempt", hidden), launcher("bench")
    held = contextlib.ExitStack()
    with held:
        held.callback(for_attempt.close)
        held.callback(for_bench.close)
        for_attempt.warm_up(1)  # both import torch at once
        bench = BenchProcess(for_bench, grading.attempt._interrupted)
        held.callback(bench.close)
        attempt = DeviceAttempt(
            for_attempt,
            grading.attempt._source,
            grading.attempt._filename,
            forbid=grading.forbid,
            limits=LIMITS,
            capture=Capture(),
            interrupted=grading.attempt._interrupted,
        )
        held.callback(attempt.close)
        yield attempt, bench


def right_there(grading: GradingSession, suite: Any, attempt: Any) -> int:
    """Grade the cases with compiled kernels; how many of them a call of the first case launches.

    Raises:
        GradeFailure: an answer is not right, or torch computes outside the kernels.
    """
    there = replace(grading, attempt=attempt, shrink=False, diagnose=False, margins=None)
    dots = b".dot(" in grading.attempt._source
    try:
        for name, base in BATTERY:
            kind = OnDevice(base.name, base.scenario, base.per, dots)
            if suite.has(name, grading.forbid):
                battery.run_probes(there, suite, name, kind, battery.probes_of(there, suite, name))
        return max(_launches(grading, suite, attempt, case) for case in suite.cases[:AUDITED])
    except GradeFailure as failure:
        failure.with_cause(message=text("gpu.wrong_there", problem=failure.cause.message), rerun=None, probe=None)
        raise


def _launches(grading: GradingSession, suite: Any, attempt: Any, case: Any) -> int:
    inputs = suite.prepared(grading.rng(suite.entry, "gpu", case.id), battery.Probe(case))
    work = attempt.audit(suite.entry, inputs)
    host = {str(name): int(line) for name, line in work["host"].items()}
    if host:
        problem = RuleBroken(text("gpu.host", names=", ".join(host), line=min(host.values())))
        raise problem.with_cause(case=case.words.here)
    if not work["launches"]:
        raise RuleBroken(text("gpu.no_launch"))
    return int(work["launches"])


def _ruled(
    grading: GradingSession,
    suite: Any,
    attempt: DeviceAttempt,
    bench: BenchProcess,
    about: dict[str, Any],
    launches: int,
) -> str:
    bench.open(grading.paths.grader, grading.paths.solution, type(suite).__name__)
    ruler = Ruler(grading.paths.grader, suite, bench, about, launches)
    close = None
    for speed in suite.speeds:
        figures = ruler.measure(speed, attempt.player(suite.entry))
        grading.speeds.append(figures.to_json())
        close = _demand(figures) or close
    if close is not None:
        raise Unavailable(close)
    lines = [told(Figures(**figures)) for figures in grading.speeds]
    if len(lines) == 1:
        return lines[0]
    named = (text("gpu.named", case=row["case"], said=line) for row, line in zip(grading.speeds, lines, strict=True))
    return text("gpu.between").join(named)


def _demand(figures: Figures) -> str | None:
    """Raise what ends the check; words where nothing can be decided."""
    match figures.outcome:
        case "wrong":
            raise Wrong(text("gpu.wrong_timed", case=figures.case, problem=figures.reason))
        case "suspect":
            raise Suspect(text(f"gpu.suspect.{figures.reason}", case=figures.case))
        case "slow":
            raise TooSlow(slow(figures))
        case "close":
            share = figures.share
            found = f"{100 * share['low']:.0f}–{100 * share['high']:.0f}"
            what = limit_of(figures.against)
            wanted = f"{100 * figures.at_least:.0f}"
            return text("gpu.close", case=figures.case, found=found, what=what, wanted=wanted)
    return None


class Ruler:
    """Measures the shapes of one suite on one device.

    Args:
        grader: the grader's file.
        suite: the suite.
        bench: the process of the baselines, with the suite open.
        about: the device; see `facts.device_facts`.
        launches: of a call of the attempt, where it is known.
        baselines: who else is timed; eager and torch.compile if nothing is said.
    """

    def __init__(
        self,
        grader: Path,
        suite: Any,
        bench: Any,
        about: dict[str, Any],
        launches: int | None = None,
        baselines: tuple[str, ...] | None = None,
    ) -> None:
        self._suite, self._bench, self._about, self._launches = suite, bench, about, launches
        self._recipe = recipe(grader.read_text(encoding="utf-8"), type(suite).__name__)
        self._baselines = BASELINES if baselines is None else baselines

    def measure(self, speed: Speed, attempt: Asked, seconds: float = 5.0) -> Figures:
        """The figures of a shape."""
        case = speed.case
        mutates = list(getattr(self._suite, "mutates", ()))
        shape = (self._recipe, case.params, case.dtype, mutates)
        attempt.enter(*shape)
        others = {name: player for name in self._baselines if (player := self._ready(name, shape)) is not None}
        if speed.peer is None:
            limit = self._copy(speed.bytes or 0)
        else:
            found = self._ready(speed.peer, shape)
            if found is None:
                raise BenchFailed(f"{speed.peer} could not run")
            limit = found
            if speed.bytes is not None:
                others["copy"] = self._copy(speed.bytes)

        def verify(seed: int, pick: int, samples: list[Any]) -> str | None:
            question = {"recipe": self._recipe, "params": dict(case.params), "dtype": case.dtype}
            return self._bench.verify(**question, seed=seed, pick=pick, samples=samples, factor=self._factor(speed))  # type: ignore[no-any-return]

        game = Game(
            attempt,
            limit,
            others,
            verify=verify,
            now=time.perf_counter,
            draw=random.Random(secrets.randbits(64)),
            floor=self._floor(speed),
            limit_is_copy=speed.peer is None,
        )
        measured = game.play(Plan(seconds=seconds, threshold=speed.at_least))
        self._bench.leave()
        return self._figures(speed, measured)

    def _figures(self, speed: Speed, measured: Measurement) -> Figures:
        peak = facts.peak_flops(self._about["name"], speed.case.dtype) if speed.flops else None
        return figures_of(speed, measured, device=self._about["name"], peak_flops=peak, launches=self._launches)

    def _ready(self, name: str, shape: tuple[Any, ...]) -> Asked | None:
        """A baseline that has run once; None where it cannot: too little memory, or no compiler."""
        player: Asked = self._bench.player(name)
        try:
            player.enter(*shape)
            player.warm_up([secrets.randbits(62)])
        except BenchFailed:
            return None
        return player

    def _copy(self, size: int) -> Asked:
        player: Asked = self._bench.player("copy")
        player.enter(COPY, {"count": max(size // COPY_BYTES, 1)}, "float32", [])
        return player

    def _factor(self, speed: Speed) -> float:
        """Roundoffs that an output of a timed call may be off: few in half precision, which rounds the result once."""
        case = speed.case
        if case.factor is not None:
            return float(case.factor)
        if case.dtype != "float32":
            return HALF_FACTOR
        found = Tolerance.of(case.reduction, elementwise=self._suite.elementwise).factor * OTHER_INSTRUCTIONS
        return found * TENSOR_CORES if case.dtype == "float32" and speed.peer else found

    def _floor(self, speed: Speed) -> float | None:
        """Seconds below which nothing can be; None where the data sheet is not known."""
        floors = []
        if speed.bytes and self._about.get("peak_bandwidth"):
            floors.append(speed.bytes / self._about["peak_bandwidth"])
        peak = facts.peak_flops(self._about["name"], speed.case.dtype)
        if speed.flops and peak:
            floors.append(speed.flops / peak)
        return 0.95 * max(floors) if floors else None
