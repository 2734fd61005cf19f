"""What the author's kit says of an exercise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from thinkllm_drill.errors import ContentError


@dataclass(frozen=True)
class Problem:
    """Something to mend."""

    file: Path
    """Relative to the content root."""
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file.as_posix()}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Report:
    """The problems of one exercise; graded counts are of 0 where nothing was graded."""

    slug: str
    problems: tuple[Problem, ...]
    mistakes: tuple[int, int] = (0, 0)
    """Rejected, of how many."""
    honest: tuple[int, int] = (0, 0)
    """Accepted, of how many."""
    notes: tuple[str, ...] = ()
    """What was not checked, and why."""

    @property
    def ok(self) -> bool:
        """Whether there is nothing to mend."""
        return not self.problems


class Findings:
    """Collects the problems of one exercise.

    Args:
        root: the content root, which paths are told relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._problems: dict[Problem, None] = {}

    def add(self, file: Path, line: int | None, message: str) -> None:
        """Note a problem; the first line stands for a file as a whole."""
        place = file.relative_to(self._root) if file.is_relative_to(self._root) else file
        self._problems[Problem(place, line or 1, message)] = None

    @contextmanager
    def guard(self, file: Path) -> Iterator[None]:
        """Note a broken content file as a problem, of `file` if the error names none, and leave the block."""
        try:
            yield
        except ContentError as error:
            self.add(error.file or file, error.line, error.problem)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """By file and line."""
        return tuple(sorted(self._problems, key=lambda problem: (problem.file.as_posix(), problem.line)))
