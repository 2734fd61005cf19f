"""What a service takes at rest, and whether it leaks: memory, descriptors and what lies about after many checks.

python benchmarks/service.py [CHECKS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import psutil
from bench import Figures, graded, heading, own_service

from thinkllm_drill.content.library import Library
from thinkllm_drill.judge import daemon
from thinkllm_drill.judge.launch import SCRATCH

WARM = 20
REST_SECONDS = 10.0


def main() -> None:
    """Measure and print; exits 1 where something leaks."""
    checks = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    library = Library.open()
    slugs = [slug for slug in library.slugs() if not library.exercise(slug).needs]
    with own_service():
        before = None
        for number in range(WARM + checks):
            if number == WARM:
                before = _taken()
            graded(library, slugs[number % len(slugs)])
        if not checks:
            before = _taken()
        assert before is not None
        after = _taken()
        _at_rest()
    names = ("resident memory, MB", "descriptors", "child processes", "scratch folders")
    for name, first, last in zip(names, before, after, strict=True):
        print(f"{name:20} {first:8.1f} after {WARM}, {last:8.1f} after {WARM + checks}: {last - first:+.1f}")
    sys.exit((checks and after[0] - before[0] >= 10) or after[1:] != before[1:])


def _at_rest() -> None:
    """CPU time of the service and its children while nobody asks, and the memory that they have for themselves."""
    time.sleep(3)
    pid = daemon.service_status().pid
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    before = sum(sum(process.cpu_times()[:2]) for process in family)
    time.sleep(REST_SECONDS)
    cpu = sum(sum(process.cpu_times()[:2]) for process in family) - before
    memory = [process.memory_full_info().pss / 2**20 for process in family]
    heading(f"The service at rest: {len(family)} processes")
    figures = Figures()
    figures.add("CPU seconds in 10 s", [cpu], goal=0.05)
    figures.add("memory, MB (PSS)", [sum(memory)], goal=350)
    figures.save()


def _taken() -> tuple[float, float, float, float]:
    """Resident memory of the service in MB, its descriptors and children, and scratch folders."""
    pid = daemon.service_status().pid
    process = psutil.Process(pid)
    memory = process.memory_info()
    scratch = list(Path(tempfile.gettempdir()).glob(f"{SCRATCH}{pid}-*"))
    return memory.rss / 2**20, process.num_fds(), len(process.children()), len(scratch)


if __name__ == "__main__":
    main()
