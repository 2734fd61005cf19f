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


def matches(caught_by: str, result: Measured) -> bool:
    """Whether the check that a source fails is the one named, by its id, its kind, or the beginning of its id."""
    return caught_by in (result.check, result.kind) or result.check.startswith(f"{caught_by}.")
