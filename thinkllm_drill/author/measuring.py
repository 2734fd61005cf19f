"""What the author's kit asks of a judge: many sources of one exercise graded on many seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from thinkllm_drill.judge.measured import Measured


class Measure(Protocol):
    """Grades many sources; see `judge.authoring.measure`."""

    def __call__(
        self,
        slug: str,
        sources: Sequence[str],
        seeds: Sequence[str],
        *,
        first: bool = True,
        diagnose: bool = False,
        call_seconds: float | None = None,
    ) -> Iterator[Measured]: ...
