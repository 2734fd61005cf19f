"""Hashes of what decides what an exercise's grader accepts, its content and the engine, without words and comments."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from thinkllm_drill.content import mistakes
from thinkllm_drill.content.library import Library

PACKAGE = Path(__file__).resolve().parents[1]
WORDS_ONLY = {"grading": ("ahead", "explain", "hints", "one_case", "show", "where")}
"""Modules that put a failure into words, run a case once more or ask sooner, and decide nothing."""
PROCESSES = {
    "judge": (
        "authoring",
        "client",
        "debug",
        "facts",
        "foreground",
        "forks",
        "framing",
        "image",
        "intermediates",
        "landlock",
        "launch",
        "limits",
        "link",
        "one_by_one",
        "replay",
        "requests",
        "runners",
        "sandbox",
        "scan",
        "script",
        "seccomp",
        "service",
        "session",
        "standby",
        "trace",
        "under_way",
        "worker",
    )
}
"""Modules that start, confine and reach processes."""


def fingerprint(library: Library, slug: str) -> str:
    """16 hex digits that change with whatever in the exercise could change what its grader accepts.

    Raises:
        ContentError: a content file is broken.
    """
    exercise, paths = library.exercise(slug), library.paths(slug)
    parts = [repr((exercise.api, exercise.forbid, exercise.needs, exercise.seconds))]
    parts += [f"{m.id} {m.caught_by} {_code(m.source)}" for m in mistakes.load(paths)]
    parts += [_code(path.read_text(encoding="utf-8")) for path in (paths.solution, paths.grader, *paths.honest_files)]
    if paths.equivalents.is_file():
        parts.append(paths.equivalents.read_text(encoding="utf-8"))
    return _hash(parts)


@cache
def engine() -> str:
    """16 hex digits that change with the code that grades every exercise."""
    return _hash([_code(path.read_text(encoding="utf-8")) for path in _modules()])


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _modules() -> Iterator[Path]:
    for folder in ("grading", "judge"):
        left_out = {*WORDS_ONLY.get(folder, ()), *PROCESSES.get(folder, ())}
        yield from (path for path in sorted((PACKAGE / folder).rglob("*.py")) if path.stem not in left_out)
    yield PACKAGE / "author" / "mutants.py"
    yield from sorted((PACKAGE / "author" / "mutation").glob("*.py"))


def _code(source: str) -> str:
    """A module without its comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and (
            node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
        ):
            node.body = node.body[1:]
    return ast.dump(tree)
