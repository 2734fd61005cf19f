"""Checks of the files as files: which there are, and how they are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from thinkllm_drill.author.report import Findings
from thinkllm_drill.content.library import Library, Paths
from thinkllm_drill.content.names import to_disk

LARGEST = 40_000
"""Bytes of the largest content file."""
SHARED = ("exercises/path.toml", "exercises/profiles.toml")
"""Files beside the topics."""


def check(library: Library, paths: Paths, found: Findings) -> None:
    """Look for missing, stray and untidy files of an exercise."""
    for path in _required(paths):
        if not path.is_file():
            found.add(path, 1, "this file is missing")
    for path in paths.existing():
        _kept_well(path, found, generated=path == paths.stub)
    for path, message in _stray(library, paths):
        found.add(path, 1, message)


def _required(paths: Paths) -> tuple[Path, ...]:
    hidden = (paths.solution, paths.grader, paths.mistakes)
    return (paths.statement("en"), paths.statement("zh"), paths.stub, *hidden)


def _kept_well(path: Path, found: Findings, *, generated: bool) -> None:
    content = path.read_bytes()
    lines = content.split(b"\n")
    if len(content) > LARGEST:
        found.add(path, 1, f"{len(content)} bytes; at most {LARGEST}")
    if content and not content.endswith(b"\n"):
        found.add(path, len(lines), "the last line has no newline")
    if content.endswith(b"\n\n"):
        found.add(path, len(lines) - 1, "blank lines at the end")
    for number, line in enumerate(lines, start=1):
        if b"\t" in line:
            found.add(path, number, "a tab; indent by spaces")
        if line.endswith(b"\r"):
            found.add(path, number, "a Windows line end")
            break
        if not generated and re.search(rb"\bTODO\b", line):
            found.add(path, number, f"left to do: {line.decode('utf-8', 'replace').strip()}")


def _stray(library: Library, paths: Paths) -> Iterator[tuple[Path, str]]:
    """The files that no exercise has; those of nobody are told with the topic's first exercise."""
    allowed = {paths.toml, paths.statement("en"), paths.statement("zh"), paths.stub}
    for path in _children(paths.folder):
        if path not in allowed:
            yield path, "no file of an exercise has this name"
    siblings = [library.paths(slug) for slug in library.slugs()]
    of_topic = sorted(other.name for other in siblings if other.topic == paths.topic)
    for path in [*_children(paths.solution.parent), *_children(paths.grader.parent)]:
        owner, known = _owner(path, of_topic, is_solution=path.parent == paths.solution.parent)
        if owner == paths.name and not known:
            yield path, "no file of an exercise has this name"
        elif owner is None and paths.name == of_topic[0]:
            yield path, "there is no exercise that this file belongs to"
    if paths == siblings[0]:
        yield from _outside(library.root, {other.topic_folder for other in siblings})


def _owner(path: Path, names: list[str], *, is_solution: bool) -> tuple[str | None, bool]:
    """The exercise that a file belongs to by its name, and whether it may have it."""
    stem, _, rest = path.name.partition(".")
    variants = {rf"{name}\.(mistake|honest|slow)\.[a-z0-9_-]+\.py": name for name in names}
    if is_solution:
        return (stem, rest == "py") if stem in names else (None, False)
    if stem.removeprefix("test_") in names and stem.startswith("test_"):
        return stem.removeprefix("test_"), rest == "py"
    if stem in names:
        known = rest in ("mistakes.toml", "equivalent.toml", "strength.toml", "liger.py") or any(
            re.fullmatch(pattern, path.name) for pattern in variants
        )
        return stem, known
    return None, False


def _outside(root: Path, topics: set[str]) -> Iterator[tuple[Path, str]]:
    """What lies in no topic, and what looks like an exercise and is none."""
    for tree in ("exercises", "solutions", "graders"):
        for path in _children(root / tree):
            if path.is_file() and path.relative_to(root).as_posix() not in SHARED:
                yield path, "a file outside any topic"
            elif path.is_dir() and path.name != to_disk(path.name):
                yield path, f"on disk, a topic is spelt {to_disk(path.name)}"
            elif path.is_dir() and path.name not in topics and any(_children(path)):
                yield path, "a topic without an exercise"
    for topic in topics:
        for path in _children(root / "exercises" / topic):
            if path.is_file():
                yield path, "a file outside any exercise"
            elif not (path / "exercise.toml").is_file():
                yield path, "an exercise without exercise.toml"
            elif path.name != to_disk(path.name):
                yield path, f"on disk, an exercise is spelt {to_disk(path.name)}"


def _children(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name[0] != "." and path.name != "__pycache__")
