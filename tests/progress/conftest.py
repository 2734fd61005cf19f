"""A clock that tests turn by hand, and stores that use it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.progress.store import Store


class Clock:
    """Gives the time that it was set to; each look moves it by a microsecond."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(microseconds=1)
        return self.time

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Learner:
    """Does things with one exercise, each a line in a test."""

    def __init__(self, store: Store, slug: str = "gqa") -> None:
        self.store = store
        self.slug = slug

    def drill(self, level: str = "cloze", *, resumed: bool = False) -> None:
        self.store.record("drill", self.slug, {"level": level, "file": f"/a/{self.slug}.py", "resumed": resumed})

    def check(self, status: str, *, source: bytes = b"x = 1\n", **more: Any) -> None:
        verdict = {"schema": 1, "slug": self.slug, "file": "f", "status": status, "seed": "7f", "seconds": 0.2, **more}
        payload = {"file": f"/a/{self.slug}.py", "verdict": verdict, "content_version": "c1", "level": "cloze"}
        self.store.record("check", self.slug, payload, source)

    def hint(self, number: int) -> None:
        self.store.record("hint", self.slug, {"number": number})

    def solution(self, *, given_up: bool) -> None:
        self.store.record("solution", self.slug, {"given_up": given_up})

    def reset(self) -> None:
        self.store.record("reset", self.slug, {"archived": "/a/.archive/x.py"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "家" / "progress.db"


@pytest.fixture
def store(database: Path, clock: Clock) -> Iterator[Store]:
    with Store.open(database, now=clock) as store:
        yield store


@pytest.fixture
def learner(store: Store) -> Learner:
    return Learner(store)
