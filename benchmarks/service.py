"""Whether a service leaks: its memory, its descriptors and what lies about after many checks in a row.

python benchmarks/service.py [CHECKS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import psutil
from bench import graded, own_service

from thinkllm_drill.content.library import Library
from thinkllm_drill.judge import client
from thinkllm_drill.judge.launch import SCRATCH

WARM = 20


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
        assert before is not None
        after = _taken()
    names = ("resident memory, MB", "descriptors", "child processes", "scratch folders")
    for name, first, last in zip(names, before, after, strict=True):
        print(f"{name:20} {first:8.1f} after {WARM}, {last:8.1f} after {WARM + checks}: {last - first:+.1f}")
    sys.exit(after[0] - before[0] >= 10 or after[1:] != before[1:])


def _taken() -> tuple[float, float, float, float]:
    """Resident memory of the service in MB, its descriptors and children, and scratch folders."""
    pid = client.service_status().pid
    process = psutil.Process(pid)
    memory = process.memory_info()
    scratch = list(Path(tempfile.gettempdir()).glob(f"{SCRATCH}{pid}-*"))
    return memory.rss / 2**20, process.num_fds(), len(process.children()), len(scratch)


if __name__ == "__main__":
    main()
