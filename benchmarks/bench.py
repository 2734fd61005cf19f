"""What the benchmarks share: rounds of interleaved runs, the figures that come of them, and a service of their own."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from thinkllm_drill.content.library import Library
from thinkllm_drill.judge import client, daemon
from thinkllm_drill.judge.quiet import Quiet
from thinkllm_drill.verdict import CheckRequest, Verdict

ROOT = Path(__file__).resolve().parents[1]
RESULTS = "THINKLLM_BENCH_RESULTS"
"""The environment variable that names the file to write the figures to."""
THINKLLM = [sys.executable, "-m", "thinkllm_drill"]
IMPORT_TORCH = [sys.executable, "-c", "import torch"]


@dataclass(frozen=True)
class Figure:
    """One thing that was measured: median and p95, and the median over the rounds of its ratio to something else.

    `goal` is the most that the median may be, `ratio_goal` the most that the ratio may be.
    """

    name: str
    median: float
    p95: float
    runs: int
    against: str = ""
    ratio: float | None = None
    goal: float | None = None
    ratio_goal: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goals are reached; None where there is none."""
        pairs = [(self.median, self.goal), (self.ratio, self.ratio_goal)]
        reached = [value <= goal for value, goal in pairs if value is not None and goal is not None]
        return all(reached) if reached else None


class Figures:
    """Prints figures as they come, and adds them to the file that is named in the environment."""

    def __init__(self) -> None:
        self.found: list[Figure] = []

    def add(
        self,
        name: str,
        values: Sequence[float],
        against: str = "",
        base: Sequence[float] = (),
        *,
        goal: float | None = None,
        ratio_goal: float | None = None,
    ) -> Figure:
        """One more; `base` holds what it is compared with, measured in the same rounds."""
        ratio = statistics.median(a / b for a, b in zip(values, base, strict=True)) if base else None
        figure = Figure(
            name, statistics.median(values), p95(values), len(values), against, ratio, goal=goal, ratio_goal=ratio_goal
        )
        self.found.append(figure)
        limits = [f"≤ {goal:g}" if goal else "", f"≤ {ratio_goal:g} ×" if ratio_goal else ""]
        parts = [f"{name:34} {figure.median:8.3f} {figure.p95:8.3f}"]
        parts += [f"{ratio:7.3f} × {against}" if ratio is not None else ""]
        if figure.met is not None:
            parts.append(f"[{' '.join(filter(None, limits))}: {'yes' if figure.met else 'NO'}]")
        print("  ".join(filter(None, parts)), flush=True)
        return figure

    def save(self) -> None:
        """Add them to the results file, if there is to be one."""
        if not (name := os.environ.get(RESULTS)):
            return
        path = Path(name)
        held = json.loads(path.read_text()) if path.exists() else {"figures": {}}
        held["machine"] = {
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
            "date": time.strftime("%Y-%m-%d"),
        }
        for figure in self.found:
            row = {key: _rounded(value) for key, value in asdict(figure).items() if key != "name"}
            held["figures"][figure.name] = {**row, "met": figure.met}
        path.write_text(json.dumps(held, indent=2, ensure_ascii=False) + "\n")


def heading(words: str) -> None:
    """Print what the figures below are of."""
    load = f"; load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"\n{words}{load}\n{'':34} {'median':>8} {'p95':>8}")


def p95(values: Sequence[float]) -> float:
    """The value that at most one in twenty is above."""
    return sorted(values)[min(len(values) - 1, round(0.95 * len(values)))]


def interleaved(rounds: int, tasks: Mapping[str, Callable[[], float]], *, warm_up: int = 1) -> dict[str, list[float]]:
    """The seconds that each task says, round by round: a busy machine slows all of a round alike."""
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(warm_up + rounds):
        for name, task in tasks.items():
            seconds = task()
            if number >= warm_up:
                found[name].append(seconds)
    return found


def timed(command: Sequence[str], *, codes: Sequence[int] = (0,), cwd: Path | None = None) -> float:
    """Seconds that a command takes; it must end with one of these codes."""
    start = time.perf_counter()
    ran = subprocess.run(command, capture_output=True, check=False, cwd=cwd)
    seconds = time.perf_counter() - start
    assert ran.returncode in codes, (command, ran.returncode, ran.stdout[-2000:], ran.stderr[-2000:])
    return seconds


def first_words(command: Sequence[str]) -> float:
    """Seconds until a command has written anything."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        assert process.stdout.read(1)
        seconds = time.perf_counter() - start
        process.stdout.read()
    return seconds


@contextlib.contextmanager
def own_service() -> Iterator[Path]:
    """A home of its own, with a service that nothing else uses, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="tb-") as folder:
        runtime = Path(folder, "run")
        runtime.mkdir(mode=0o700)
        os.environ |= {
            "THINKLLM_RUNTIME_DIR": str(runtime),
            "THINKLLM_HOME": str(Path(folder, "home")),
            "THINKLLM_CACHE_DIR": str(Path(folder, "cache")),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        try:
            yield Path(folder, "home")
        finally:
            daemon.stop_service()


def graded(library: Library, slug: str) -> Verdict:
    """The verdict on an exercise's reference."""
    source = library.reference(slug).encode()
    return client.check(CheckRequest(slug, "reference.py", source, str(library.root)), Quiet(), service=True)


def references_as_attempts(library: Library, home: Path, slugs: Sequence[str]) -> None:
    """Write the references into a home as if a learner had solved every exercise."""
    for slug in slugs:
        path = library.paths(slug).solution
        target = home / "attempts" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"# thinkllm-drill {slug}\n{library.reference(slug)}", encoding="utf-8")


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value
