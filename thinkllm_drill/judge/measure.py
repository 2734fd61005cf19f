"""Grades many sources of one exercise in one judge: what a mistake, a mutant or an honest variant gets on each seed.

The sources are an author's, so they share a runner while it lives, and what the reference shows on a seed is worked out
once for all of them. Everything else is the grading that a learner's attempt gets: the same grader file, under pytest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.content.library import Library
from thinkllm_drill.grading.plugin import Grading, find_diagnosis, make_session
from thinkllm_drill.grading.session import GradingSession
from thinkllm_drill.judge.launch import Launcher
from thinkllm_drill.judge.measured import Measured
from thinkllm_drill.judge.script import Scripts
from thinkllm_drill.verdict import Check

FRESH_RUNNER_AFTER = 100
"""Sources that one runner loads: what they leave behind in it adds up."""


@dataclass(frozen=True)
class Job:
    """What is to be measured.

    `sources` are graded on each of `seeds`. `first` ends a grading at the first check that does not pass, `diagnose`
    looks for the known mistake behind it, `call_seconds` shortens what a call may take.
    """

    slug: str
    sources: Sequence[str]
    seeds: Sequence[str]
    first: bool = True
    diagnose: bool = False
    call_seconds: float | None = None


def measure(job: Job, content: str, emit: Callable[[Measured], None], launcher: Launcher, status: Any) -> str:
    """Grade every source on every seed, each emitted as it ends; what went wrong apart from that, "" if nothing.

    Args:
        job: what to measure.
        content: the content root.
        emit: takes each result.
        launcher: where runners come from.
        status: tells the status of a verdict from a session.
    """
    from thinkllm_drill.judge.session import run_pytest

    library = Library(Path(content))
    runs = _Runs(job, library, emit, launcher, status)
    try:
        code, printed = run_pytest(library.paths(job.slug).grader, [runs.plugin, runs])
    finally:
        runs.close()
    return "" if code in (0, 1) and runs.done else printed.strip()[-1500:] or f"pytest {code}"


@dataclass
class _Runs:
    """A pytest plugin that runs the collected checks again for every source and seed."""

    job: Job
    library: Library
    emit: Callable[[Measured], None]
    launcher: Launcher
    status: Any
    done: bool = False
    loaded: int = 0
    plugin: Grading = field(init=False)
    base: GradingSession = field(init=False)

    def __post_init__(self) -> None:
        self.base = make_session(self.library, self.job.slug, b"", "attempt.py", self.launcher)
        if self.job.call_seconds:
            limits = replace(self.base.limits, call_seconds=self.job.call_seconds)
            self.base.attempt.limit(limits)
        self.base.mistakes  # noqa: B018  (what is wrong with their file is told of before anything is graded)
        self.plugin = Grading(self.base)

    def close(self) -> None:
        """End the runners."""
        self.base.attempt.close()
        self.base.suspect.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of running each check once."""
        for seed in self.job.seeds:
            shared: dict[str, Any] = {"truths": {}, "scripts": Scripts(), "suspected": {}}
            for number, source in enumerate(self.job.sources):
                self.emit(self.measured(number, source, seed, session.items, shared))
        self.done = True
        return True

    def measured(
        self, number: int, source: str, seed: str, items: Sequence[Any], shared: Mapping[str, Any]
    ) -> Measured:
        """What a source gets on a seed."""
        start = time.monotonic()
        grading = self.begin(source, seed, shared)
        for item in items:
            self.plugin.run(item)
            if self.job.first and _failure(grading.checks):
                break
        find_diagnosis(grading, self.plugin.items)
        self.base.suspect_is = grading.suspect_is
        check = _failure(grading.checks)
        broken = not grading.checks  # a fixture of the grader's own has failed
        margin, where = max(grading.margins or (), default=(0.0, ""))
        return Measured(
            source=number,
            seed=seed,
            status=self.status(grading, broken=broken),
            check=check.id if check else "",
            kind=check.kind if check else "",
            check_status=check.status if check else "",
            message=_words(check),
            diagnosis=grading.diagnosis.mistake if grading.diagnosis else None,
            alike=grading.alike,
            margin=margin,
            margin_case=where,
            ratio=grading.ratio,
            seconds=round(time.monotonic() - start, 4),
        )

    def begin(self, source: str, seed: str, shared: Mapping[str, Any]) -> GradingSession:
        """A session of its own for a source, on the runners of all."""
        self.loaded += 1
        if self.loaded % FRESH_RUNNER_AFTER == 0:
            self.base.attempt.close()
        self.base.attempt.become(source.encode())
        grading = replace(
            self.base,
            seed=seed,
            checks=[],
            broken_rules={},
            stopped={},
            diagnose=self.job.diagnose,
            shrink=False,
            diagnosis_seconds=60.0,
            margins=[],
            **shared,
        )
        grading.__dict__["mistakes"] = self.base.mistakes
        self.plugin.grade(grading)
        return grading


def _failure(checks: Sequence[Check]) -> Check | None:
    return next((check for check in checks if check.status not in ("passed", "skipped")), None)


def _words(check: Check | None) -> str:
    if check is None or check.cause is None:
        return ""
    return " ".join(f"{check.cause.case or ''}: {check.cause.message}".split())[:300]
