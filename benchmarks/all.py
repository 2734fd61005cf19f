"""All benchmarks, and their figures in benchmarks/results.json: what `just bench` runs.

python benchmarks/all.py [--quick]

Takes about twenty minutes on a machine that does nothing else; `--quick` is for trying it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import RESULTS, ROOT, Figure, Figures, heading

HERE = Path(__file__).resolve().parent
RUNS = [
    ("startup.py", ["9"], ["3"]),
    ("check.py", ["3"], ["1", "softmax", "gqa"]),
    ("grading.py", ["--no-mutants", "1"], ["--no-mutants", "1", "softmax", "gqa"]),
    ("every.py", ["1"], ["1", "softmax", "gqa", "gelu", "adamw"]),
    ("watch.py", ["--rounds", "3"], ["--rounds", "1", "softmax", "gqa"]),
    ("service.py", ["100"], ["0"]),
]
"""Each benchmark with its arguments, and those for trying it."""


def main() -> int:
    """Run them one after the other; 1 if one of them failed."""
    quick = "--quick" in sys.argv
    results = HERE / ("results.quick.json" if quick else "results.json")
    results.unlink(missing_ok=True)
    os.environ |= {RESULTS: str(results), "PYTHONPATH": str(ROOT)}
    failed = []
    for name, usual, short in RUNS:
        print(f"\n== {name}", flush=True)
        arguments = list(short if quick else usual)
        with tempfile.TemporaryDirectory() as folder:
            told = Path(folder, "watch.json")
            arguments += ["--json", str(told)] if name == "watch.py" else []
            code = subprocess.run([sys.executable, str(HERE / name), *arguments], check=False).returncode
            if told.exists():
                _watch(json.loads(told.read_text()))
        if code:
            failed.append(name)
    print(f"\nWrote {results.relative_to(ROOT)}.")
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


def _watch(told: dict[str, Any]) -> None:
    """Take over what the benchmark of `watch` says."""
    said, figures = told["saved_to_verdict"], Figures()
    heading("Saved to verdict, in watch, seconds")
    ratio, runs = 1 / said["cold_ratio"], len(told["exercises"])
    against = "the grader in a cold pytest"
    row = Figure("watch, save to verdict", said["median_exercise"], said["p95"], runs, against, ratio, goal=0.1)
    figures.found.append(row)
    figures.add("watch, first words", [said["first_words"]], goal=0.2)
    print(f"{row.name:34} {row.median:8.3f} {row.p95:8.3f}  {row.ratio:7.3f} × {row.against}")
    figures.save()


if __name__ == "__main__":
    sys.exit(main())
