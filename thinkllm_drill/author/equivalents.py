"""The mutants of an exercise that are no mistakes: `<name>.equivalent.toml`, with a reason for each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from thinkllm_drill.author.mutants import Mutant, mutants
from thinkllm_drill.author.report import Findings
from thinkllm_drill.content import tables
from thinkllm_drill.content.library import Paths
from thinkllm_drill.content.model import Words
from thinkllm_drill.errors import ContentError

LARGEST_SHARE = 0.1
"""Of an exercise's mutants, how many may be equivalent."""
OPEN = "TODO: what makes it right"
"""The reason that `rows` writes; the author's check asks for another."""


@dataclass(frozen=True)
class Equivalent:
    """A mutant that is said to be as right as the reference."""

    id: str
    was: str
    now: str
    reason: str
    line: int
    """Where it is written."""


@dataclass(frozen=True)
class Matched:
    """The equivalents of an exercise beside its mutants."""

    known: dict[str, Equivalent]
    """Those that are a mutant, by id."""
    stale: tuple[tuple[Equivalent, str], ...]
    """Those that no mutant is any more, and why not."""


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    id: Words
    was: Words
    now: Words
    reason: Words


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    mutant: tuple[_Row, ...] = ()


def load(paths: Paths) -> tuple[Equivalent, ...]:
    """The equivalents of an exercise, in order; none if it has no such file.

    Raises:
        ContentError: names the file and the line, also of an id that is there twice.
    """
    if not paths.equivalents.is_file():
        return ()
    text, data = tables.read_table(paths.equivalents)
    rows = tables.convert(data, _Table, text=text, file=paths.equivalents).mutant
    found: dict[str, Equivalent] = {}
    for position, row in enumerate(rows):
        line = tables.line_of(text, ["mutant", position, "id"])
        if row.id in found:
            raise ContentError(f"the mutant {row.id} is there twice", file=paths.equivalents, line=line)
        found[row.id] = Equivalent(row.id, row.was, row.now, row.reason, line)
    return tuple(found.values())


def match(equivalents: Iterable[Equivalent], found: Iterable[Mutant]) -> Matched:
    """Which equivalents are mutants, and which are stale: no mutant has their id, or it changes something else."""
    by_id = {mutant.id: mutant for mutant in found}
    known: dict[str, Equivalent] = {}
    stale: list[tuple[Equivalent, str]] = []
    for row in equivalents:
        mutant = by_id.get(row.id)
        if mutant is None:
            stale.append((row, f"no mutant is called {row.id}"))
        elif (row.was, row.now) != (mutant.was, mutant.now):
            stale.append((row, f"{row.id} changes `{mutant.was}` to `{mutant.now}`, not `{row.was}` to `{row.now}`"))
        else:
            known[row.id] = row
    return Matched(known, tuple(stale))


def rows(survivors: Iterable[Mutant]) -> str:
    """Rows of TOML for mutants, to be completed by a reason each; empty for none."""
    return "\n".join(
        f"[[mutant]]\nid = {_quoted(mutant.id)}\nwas = {_quoted(mutant.was)}\nnow = {_quoted(mutant.now)}\n"
        f"reason = {_quoted(OPEN)}\n"
        for mutant in survivors
    )


def check(paths: Paths, found: Findings) -> None:
    """Look for equivalents that no mutant is, and for too many of them."""
    if not paths.equivalents.is_file() or not paths.solution.is_file():
        return
    with found.guard(paths.equivalents):
        given = load(paths)
        every: Sequence[Mutant] = mutants(tables.read_text(paths.solution))
        for row, message in match(given, every).stale:
            found.add(paths.equivalents, row.line, message)
        if len(given) > LARGEST_SHARE * len(every):
            most = int(LARGEST_SHARE * len(every))
            found.add(paths.equivalents, 1, f"{len(given)} of {len(every)} mutants are equivalent; at most {most}")


def _quoted(text: str) -> str:
    """text as a string of TOML."""
    if text.isprintable() and not {'"', "\\"} & set(text):
        return f'"{text}"'
    if text.isprintable() and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)
