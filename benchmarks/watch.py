"""How long it takes from a save to the verdict on the screen, in a real `thinkllm watch`, against a cold pytest.

    python benchmarks/watch.py [--rounds N] [--json FILE] [SLUG…]

Each exercise is watched in a terminal of its own. Every round saves a wrong answer and then the reference, by renaming
as editors do, each after a pause as a learner makes one, and grades the reference by the same checks in a new process:
`pytest graders/<topic>/test_<slug>.py`. So all are measured under the same conditions. A round's wrong answer is the
exercise's next known mistake.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import importlib.util
import json
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import own_service

from thinkllm_drill.content import mistakes
from thinkllm_drill.content.blanks import render
from thinkllm_drill.content.library import Library

SLUGS = ("softmax", "gqa", "layer-norm", "rope", "gae", "dpo-loss", "bpe-train", "top-p", "cross-entropy", "adamw")
"""An exercise of many kinds each."""
PAUSE_SECONDS = 2.0
"""Between two saves; a learner takes longer."""
PATIENCE = 60.0
CLEARED = b"\x1b[H\x1b[J"
FOOT = b"quit"
WHOLE = re.compile(rb"\d s \xc2\xb7 \d\d:.*quit", re.DOTALL)
THINKLLM = [sys.executable, "-m", "thinkllm_drill"]


@dataclass
class Times:
    """Seconds that one exercise took."""

    first_words: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    reason: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)

    @property
    def saved(self) -> list[float]:
        """From each save to its verdict."""
        return self.right + self.wrong


class Terminal:
    """A `thinkllm watch` in a terminal of 24 lines of 80 cells."""

    def __init__(self, slug: str) -> None:
        start = time.perf_counter()
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            os.execvpe(THINKLLM[0], [*THINKLLM, "watch", slug], os.environ | {"TERM": "xterm-256color"})
        fcntl.ioctl(self._screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._until(lambda shown: bool(shown.strip()))
        self.first_words = time.perf_counter() - start

    def verdict(self) -> tuple[float, str]:
        """When the next verdict was on the screen, and what was; of a failure this is the failing case."""
        shown = self._until(lambda shown: FOOT in shown.rpartition(CLEARED)[2] and CLEARED in shown)
        return time.perf_counter(), shown.rpartition(CLEARED)[2].decode("utf-8", "replace")

    def reason(self) -> float:
        """When the failing case that is on the screen had its reason, if one is known."""
        self._until(lambda shown: bool(WHOLE.search(shown.rpartition(CLEARED)[2])))
        return time.perf_counter()

    def rest(self, seconds: float) -> None:
        """Wait, and look at nothing that is written meanwhile."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._screen], [], [], left)[0]:
                os.read(self._screen, 1 << 16)

    def close(self) -> None:
        """End it."""
        os.kill(self._pid, signal.SIGTERM)
        with contextlib.suppress(OSError):
            while os.read(self._screen, 1 << 16):
                pass
        os.waitpid(self._pid, 0)
        os.close(self._screen)

    def _until(self, satisfied: Callable[[bytes], bool]) -> bytes:
        shown, end = b"", time.perf_counter() + PATIENCE
        while not satisfied(shown):
            if not select.select([self._screen], [], [], max(end - time.perf_counter(), 0))[0]:
                raise TimeoutError(shown.decode("utf-8", "replace"))
            shown += os.read(self._screen, 1 << 16)
        return shown


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("slugs", nargs="*", metavar="SLUG")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    given = parser.parse_args()
    library = Library.open()
    slugs = [slug for slug in given.slugs or SLUGS if _can_run(library, slug)]
    with own_service():
        os.environ["THINKLLM_PAGER"] = "never"
        times = {slug: _measure(library, slug, given.rounds) for slug in slugs}
    figures = _figures(times)
    _print(times, figures)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _measure(library: Library, slug: str, rounds: int) -> Times:
    times = Times()
    subprocess.run([*THINKLLM, "drill", slug], check=True, capture_output=True)
    path = Path(os.environ["THINKLLM_HOME"], "attempts", _topic(library, slug), f"{slug.replace('-', '_')}.py")
    right = path.read_text().split("\n")[0] + "\n" + render(library.reference(slug), "bughunt")
    wrong = [mistake.source for mistake in mistakes.load(library.paths(slug))]
    _save(path, right)
    with contextlib.closing(Terminal(slug)) as terminal:
        times.first_words.append(terminal.first_words)
        terminal.verdict()
        terminal.rest(PAUSE_SECONDS)
        for number in range(rounds):
            for source, taken, word in ((wrong[number % len(wrong)], times.wrong, "✗"), (right, times.right, "✓")):
                start = time.perf_counter()
                _save(path, source + f"\n# {number}\n")
                shown, screen = terminal.verdict()
                taken.append(shown - start)
                assert word in screen, screen
                if taken is times.wrong:
                    whole = WHOLE.search(screen.encode()) is not None
                    times.reason.append((shown if whole else terminal.reason()) - start)
                terminal.rest(PAUSE_SECONDS)
            times.cold.append(_cold(library, slug, path))
    return times


def _save(path: Path, source: str) -> None:
    other = path.with_suffix(".swp")
    other.write_text(source, encoding="utf-8")
    other.replace(path)


def _cold(library: Library, slug: str, attempt: Path) -> float:
    """Seconds of the same checks in a new process."""
    command = [sys.executable, "-m", "pytest", "-q", str(library.paths(slug).grader), "--attempt", str(attempt)]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=library.root)
    return time.perf_counter() - start


def _figures(times: dict[str, Times]) -> dict[str, object]:
    """The medians by exercise, and of all."""
    rows = {
        slug: {
            "right": statistics.median(each.right),
            "wrong": statistics.median(each.wrong),
            "reason": statistics.median(each.reason),
            "saved": statistics.median(each.saved),
            "p95": _p95(each.saved),
            "cold": statistics.median(each.cold),
        }
        for slug, each in times.items()
    }
    every = [seconds for each in times.values() for seconds in each.saved]
    return {
        "saved_to_verdict": {
            "median_exercise": statistics.median(row["saved"] for row in rows.values()),
            "p95": _p95(every),
            "cold_ratio": statistics.median(row["cold"] / row["saved"] for row in rows.values()),
            "first_words": statistics.median(seconds for each in times.values() for seconds in each.first_words),
        },
        "exercises": rows,
        "load": os.getloadavg()[0],
    }


def _print(times: dict[str, Times], figures: dict[str, object]) -> None:
    print(
        f"{'milliseconds':16}{'right':>8}{'wrong':>8}{'both':>8}{'p95':>8}{'reason':>8}{'cold':>8}{'cold ÷ both':>13}"
    )
    rows = figures["exercises"]
    assert isinstance(rows, dict)
    for slug, row in rows.items():
        cells = "".join(f"{1000 * row[name]:8.0f}" for name in ("right", "wrong", "saved", "p95", "reason", "cold"))
        print(f"{slug:16}{cells}{row['cold'] / row['saved']:13.1f}")
    whole = figures["saved_to_verdict"]
    assert isinstance(whole, dict)
    saves = sum(len(each.saved) for each in times.values())
    print(
        f"save → verdict, median exercise {1000 * whole['median_exercise']:.0f} ms, p95 of {saves} saves "
        f"{1000 * whole['p95']:.0f} ms, {whole['cold_ratio']:.0f} times as fast as a cold pytest; "
        f"first words after {1000 * whole['first_words']:.0f} ms; load {figures['load']:.1f}"
    )


def _can_run(library: Library, slug: str) -> bool:
    return all(importlib.util.find_spec(name) for name in library.exercise(slug).needs)


def _topic(library: Library, slug: str) -> str:
    return next(entry.topic for entry in library.entries() if entry.slug == slug).replace("-", "_")


def _p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * len(values)))]


if __name__ == "__main__":
    main()
