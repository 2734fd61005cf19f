"""`thinkllm dev check`: whether an exercise is complete, consistent, and graded as it says."""

from __future__ import annotations

from thinkllm_drill.author import equivalents, files, graded, references, statements
from thinkllm_drill.author.graded import Graders
from thinkllm_drill.author.report import Findings, Problem, Report
from thinkllm_drill.content import mistakes as mistakes_
from thinkllm_drill.content import tables
from thinkllm_drill.content.library import Library, Paths
from thinkllm_drill.content.mistakes import Mistake
from thinkllm_drill.content.model import Exercise, load
from thinkllm_drill.errors import ContentError

__all__ = ["Problem", "Report", "check"]

HINTS = 3
FOLLOW_UPS = 2


def check(library: Library, slug: str, *, graders: Graders | None = None) -> Report:
    """A report on an exercise.

    Args:
        library: where it is.
        slug: its name.
        graders: how sources are graded; without them only the files are read.
    """
    paths = library.paths(slug)
    found = Findings(library.root)
    exercise: Exercise | None = None
    known: tuple[Mistake, ...] | None = None
    files.check(library, paths, found)
    with found.guard(paths.toml):
        exercise = load(paths.toml)
        _check_facts(library, exercise, paths, found)
    statements.check(paths, found)
    if paths.mistakes.is_file() and paths.solution.is_file():
        with found.guard(paths.mistakes):
            known = mistakes_.load(paths)
            if not known:
                found.add(paths.mistakes, 1, "no mistake")
    if exercise and paths.solution.is_file():
        references.check(library, exercise, paths, found)
        equivalents.check(paths, found)
    counts = graded.Counts((0, len(known or ())), (0, len(paths.honest_files)))
    if exercise and known is not None and graders is not None:
        with found.guard(paths.solution):
            counts = graded.check(library, exercise, known, found, graders=graders)
    return Report(slug, found.problems, counts.mistakes, counts.honest, counts.notes)


def _check_facts(library: Library, exercise: Exercise, paths: Paths, found: Findings) -> None:
    text = tables.read_text(paths.toml)

    def problem(key: str, message: str) -> None:
        found.add(paths.toml, tables.line_of(text, [key]), message)

    if len(exercise.hint) != HINTS:
        problem("hint", f"{len(exercise.hint)} hints, not {HINTS}")
    if len(exercise.follow_up) < FOLLOW_UPS:
        problem("follow_up", f"{len(exercise.follow_up)} follow-ups; at least {FOLLOW_UPS}")
    if not exercise.source:
        problem("source", "no source")
    for key in ("requires", "leads_to"):
        if exercise.slug in getattr(exercise, key):
            problem(key, f"`{key}` names the exercise itself")
    for alias in exercise.aliases:
        if owner := _owner(library, alias, exercise.slug):
            problem("aliases", f"the alias {alias} also means {owner}")


def _owner(library: Library, alias: str, slug: str) -> str | None:
    """The exercise other than slug that alias is a name of."""
    if alias in library.slugs():
        return alias
    try:
        entries = library.entries()
    except ContentError:
        return None  # another exercise is broken, and its own report says so
    return next((entry.slug for entry in entries if alias in entry.aliases and entry.slug != slug), None)
