"""The source outlines: which of their lines have an exercise, and the page that tells (`docs/coverage.md`)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from thinkllm_drill.author.report import Findings
from thinkllm_drill.content import path as learning_path
from thinkllm_drill.content import tables
from thinkllm_drill.content.library import Library
from thinkllm_drill.errors import ContentError
from thinkllm_drill.interview import profiles

NOT_YET = "not yet"
HEAD = """# What the exercises cover

Written by `thinkllm dev render` from `docs/outline.toml` and each exercise's `covers`.
"""


@dataclass(frozen=True)
class Line:
    """One line of an outline."""

    id: str
    chapter: str
    text: str


@dataclass(frozen=True)
class Outline:
    """An outline; each line of a `complete` one has an exercise."""

    title: str
    complete: bool
    lines: tuple[Line, ...]


def file_of(root: Path) -> Path:
    """Where the outlines of a content root lie."""
    return root / "docs" / "outline.toml"


def read(root: Path) -> tuple[Outline, ...]:
    """The outlines beside the content; none in a wheel.

    Raises:
        ContentError: the file is broken.
    """
    path = file_of(root)
    if not path.is_file():
        return ()
    _, data = tables.read_table(path)
    try:
        return tuple(_outline(outline) for outline in data["outline"])
    except (KeyError, TypeError, ValueError) as error:
        raise ContentError(f"not an outline: {type(error).__name__}: {error}", file=path, line=1) from None


def _outline(data: dict[str, Any]) -> Outline:
    lines = tuple(Line(*map(str, row)) for row in data["lines"])
    return Outline(str(data["title"]), bool(data["complete"]), lines)


def covered(library: Library) -> dict[str, list[str]]:
    """The exercises of each line, by its id."""
    found: dict[str, list[str]] = defaultdict(list)
    for slug in library.slugs():
        for line in library.exercise(slug).covers:
            found[str(line)].append(slug)
    return found


def check(library: Library) -> Findings:
    """What is wrong between the exercises, the learning path, the profiles of interviews and the outlines."""
    found = Findings(library.root)
    slugs = set(library.slugs())
    path = learning_path.file_of(library.root)
    with found.guard(path):
        _check_path(learning_path.read(library.root), slugs, path, found)
    with found.guard(profiles.file_of(library.root)):
        entries = {entry.slug: entry for entry in library.entries()}
        for problem in profiles.problems(profiles.read(library.root).values(), entries):
            found.add(profiles.file_of(library.root), None, problem)
    with found.guard(file_of(library.root)):
        outlines = read(library.root)
        exercises = covered(library)
        known = {line.id for outline in outlines for line in outline.lines}
        for slug in sorted(slugs) if outlines else ():
            for name in sorted(set(map(str, library.exercise(slug).covers)) - known):
                found.add(library.paths(slug).toml, None, f"`covers` names {name}, which is no line of an outline")
        for outline in outlines:
            for line in outline.lines:
                if outline.complete and not exercises.get(line.id):
                    found.add(file_of(library.root), None, f"no exercise covers {line.id}: {line.text}")
    return found


def _check_path(path: learning_path.LearningPath, slugs: set[str], file: Path, found: Findings) -> None:
    if not path.stages:
        return
    text = tables.read_text(file)
    staged = [slug for stage in path.stages for slug in stage.exercises]
    for slug in [*staged, *(slug for chain in (path.chains or {}).values() for slug in chain)]:
        if slug not in slugs:
            line = next((n for n, row in enumerate(text.splitlines(), 1) if f'"{slug}"' in row), 1)
            found.add(file, line, f"there is no exercise {slug}")
    for slug in sorted({slug for slug in staged if staged.count(slug) > 1}):
        found.add(file, None, f"{slug} is on the path twice")
    for slug in sorted(slugs - set(staged)):
        found.add(file, None, f"{slug} is not on the path")


def page(library: Library) -> dict[Path, str]:
    """`docs/coverage.md` as it should be; empty where there are no outlines.

    Raises:
        ContentError: a file is broken.
    """
    outlines = read(library.root)
    if not outlines:
        return {}
    exercises = covered(library)
    parts = [HEAD]
    for outline in outlines:
        done = sum(bool(exercises.get(line.id)) for line in outline.lines)
        parts.append(f"\n## {outline.title}\n\n{done} of {len(outline.lines)} lines have an exercise.\n")
        for chapter, lines in groupby(outline.lines, key=lambda line: line.chapter):
            parts.append(f"\n### {chapter}\n\n| id | line | exercises |\n| --- | --- | --- |\n")
            for line in lines:
                names = ", ".join(f"`{slug}`" for slug in exercises.get(line.id, ())) or NOT_YET
                parts.append(f"| {line.id} | {line.text} | {names} |\n")
    return {library.root / "docs" / "coverage.md": "".join(parts)}
