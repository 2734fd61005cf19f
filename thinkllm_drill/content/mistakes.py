"""The known mistakes of an exercise: wrong edits of its reference, and wrong answers that are whole files."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from thinkllm_drill.content import tables
from thinkllm_drill.content.blanks import render
from thinkllm_drill.content.library import Paths
from thinkllm_drill.content.model import Slug, Text, Words
from thinkllm_drill.content.names import to_slug
from thinkllm_drill.content.regions import parse, regions
from thinkllm_drill.errors import ContentError


@dataclass(frozen=True)
class Mistake:
    """One known mistake."""

    id: str
    source: str
    """A module that makes it; without region markers."""
    caught_by: str
    """Id or kind of the first check that does not pass."""
    says: Text
    file: Path
    """Where it is written: the table of mistakes, at `line`."""
    line: int
    plantable: bool
    """Whether it is an edit of the reference, so that the level "bughunt" can plant it."""

    def names(self, check: str, kind: str) -> bool:
        """Whether `caught_by` is a check: its id, its kind, or the beginning of its id."""
        return self.caught_by in (check, kind) or check.startswith(f"{self.caught_by}.")


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    id: Slug
    caught_by: Words
    says: Text
    swap: tuple[str, str] | None = None
    swaps: tuple[tuple[str, str], ...] = ()

    @property
    def edits(self) -> tuple[tuple[str, str], ...]:
        return (self.swap,) if self.swap else self.swaps


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    mistake: tuple[_Row, ...] = ()


def load(paths: Paths) -> tuple[Mistake, ...]:
    """The known mistakes of an exercise, in the order of its `mistakes.toml`.

    Raises:
        ContentError: names the file and the line, also where the reference does not have a text to swap exactly once.
    """
    text, data = tables.read_table(paths.mistakes)
    rows = tables.convert(data, _Table, text=text, file=paths.mistakes).mistake
    files = {_id(path): path for path in paths.mistake_files}
    if nameless := [path for name, path in files.items() if name not in {row.id for row in rows}]:
        raise ContentError(f"no mistake with this id in {paths.mistakes.name}", file=nameless[0], line=1)
    reference = tables.read_text(paths.solution)
    regions(reference, paths.solution)
    found: list[Mistake] = []
    for position, row in enumerate(rows):
        key = "swap" if row.swap else "swaps" if row.swaps else "id"
        place = (paths.mistakes, tables.line_of(text, ["mistake", position, key]))
        if row.id in {other.id for other in found}:
            raise ContentError(f"two mistakes are called {row.id}", file=place[0], line=place[1])
        whole = files.get(row.id)
        source = _whole(whole, row, place) if whole else _edited(reference, row, place)
        if same := [other.id for other in found if other.source == source]:
            raise ContentError(f"{row.id} is the same program as {same[0]}", file=place[0], line=place[1])
        found.append(Mistake(row.id, source, row.caught_by, row.says, *place, plantable=whole is None))
    return tuple(found)


def _id(path: Path) -> str:
    return to_slug(path.name.split(".")[2])


def _whole(file: Path, row: _Row, place: tuple[Path, int]) -> str:
    if row.edits:
        raise _problem(row, place, f"an edit and the file {file.name} exclude each other")
    source = tables.read_text(file)
    parse(source, file)
    return source


def _edited(reference: str, row: _Row, place: tuple[Path, int]) -> str:
    if not row.edits:
        raise _problem(row, place, "needs `swap`, `swaps` or a whole file")
    if row.swap and row.swaps:
        raise _problem(row, place, "`swap` and `swaps` exclude each other")
    spans: list[tuple[int, int, str]] = []
    for old, new in row.edits:
        times = reference.count(old) if old else 0
        if times != 1:
            raise _problem(row, place, f"the reference has this text {times} times, not once: {_short(old)}")
        if old == new:
            raise _problem(row, place, f"changes nothing: {_short(old)}")
        start = reference.index(old)
        spans.append((start, start + len(old), new))
    spans.sort()
    if any(first[1] > second[0] for first, second in pairwise(spans)):
        raise _problem(row, place, "two swaps overlap")
    source = reference
    for start, end, new in reversed(spans):
        source = source[:start] + new + source[end:]
    try:
        return render(source, "bughunt")
    except ContentError as error:
        raise _problem(row, place, f"after the edit: {error.problem}") from None


def _problem(row: _Row, place: tuple[Path, int], message: str) -> ContentError:
    return ContentError(f"{row.id}: {message}", file=place[0], line=place[1])


def _short(text: str) -> str:
    line = text.strip().split("\n")[0]
    return line if line == text.strip() and len(line) <= 80 else line[:77] + "…"
