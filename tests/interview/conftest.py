"""An interviewer on a home of its own, with a clock that stands still and a grader that needs no torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from thinkllm_drill.content import path as learning_path
from thinkllm_drill.content.library import Library
from thinkllm_drill.interview.engine import Interviewer
from thinkllm_drill.interview.model import Interview
from thinkllm_drill.progress.store import Store
from thinkllm_drill.settings import load
from thinkllm_drill.verdict import Check, Verdict
from thinkllm_drill.workspace import Workspace


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)


def grader(slug: str, file: str, source: bytes, *, diagnose: bool) -> Verdict:
    """Passes what says `right`, half of the checks of what says `half`, cannot grade `broken`; the rest fails."""
    if b"broken" in source:
        return Verdict(slug, file, "internal", "0", 0.0)
    kinds = ("contract", "values", "edges", "properties")
    good = 4 if b"right" in source else 2 if b"half" in source else 0
    checks = [
        Check(kind, kind, kind, "passed" if number < good else "wrong")  # type: ignore[arg-type]
        for number, kind in enumerate(kinds)
    ]
    return Verdict(slug, file, "passed" if good == 4 else "failed", "0", 0.1, checks=tuple(checks))


class Desk(Interviewer):
    """The interviewer, and a learner who saves files."""

    clock: Clock

    def save(self, interview: Interview, slug: str, code: str, *, ago: float = 0.0) -> Path:
        """Write the file of a problem, as of so many minutes ago."""
        path = Path(interview.problem(slug).file)
        path.write_text(code, encoding="utf-8")
        when = (self.clock.time - timedelta(minutes=ago)).timestamp()
        os.utime(path, (when, when))
        return path


def open_desk(home: Path, clock: Clock) -> Desk:
    """A desk on a home; another one on the same home is another process."""
    settings = load({"home": str(home)}, {})
    library = Library.open()
    desk = Desk(
        Store.open(settings.database, now=clock),
        library,
        learning_path.read(library.root),
        Workspace(settings),
        now=clock,
        grader=grader,
    )
    desk.clock = clock
    return desk


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def desk(home: Path, clock: Clock) -> Iterator[Desk]:
    desk = open_desk(home, clock)
    yield desk
    desk.store.close()
