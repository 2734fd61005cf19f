"""Checks that grade: right answers pass, wrong ones do not, each by the check that it is said to be caught by."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from thinkllm_drill.author import wrongs
from thinkllm_drill.author.report import Findings
from thinkllm_drill.content import statement
from thinkllm_drill.content.attempt import render_attempt
from thinkllm_drill.content.blanks import Level, render
from thinkllm_drill.content.library import Library, Paths
from thinkllm_drill.content.mistakes import Mistake
from thinkllm_drill.content.model import Exercise
from thinkllm_drill.content.statement import HEADINGS, SECTIONS, heading_line
from thinkllm_drill.content.stubs import render_stub
from thinkllm_drill.verdict import Check, Verdict

Grade = Callable[[str, str, bytes], Verdict]
"""Slug, what the source is, the source → its verdict."""
RunExample = Callable[[str, str, str], list[str]]
"""Slug, doctest source, reference → what failed."""

WORKERS = min(4, os.cpu_count() or 1)
"""Verdicts at a time: each takes a core."""

_LEVELS: tuple[Level, ...] = ("cloze", "body", "blank")


@dataclass(frozen=True)
class Counts:
    """What was graded as it should be, of how many."""

    mistakes: tuple[int, int]
    honest: tuple[int, int]
    notes: tuple[str, ...] = ()


def check(
    library: Library,
    exercise: Exercise,
    mistakes: Sequence[Mistake],
    found: Findings,
    *,
    grade: Grade | None,
    run_example: RunExample | None,
) -> Counts:
    """Run the example, and grade everything that an exercise says is right or wrong."""
    grading = _Grading(library, exercise, found, grade or _ungraded)
    if run_example:
        grading.check_example(run_example)
    counts = Counts((0, len(mistakes)), (0, len(grading.paths.honest_files)))
    if grade is None:
        return counts
    verdict = grading.verdict("reference", grading.right)
    if verdict.status == "unavailable":
        return Counts(counts.mistakes, counts.honest, (f"not graded: {verdict.note or 'not available here'}",))
    if not verdict.passed:
        found.add(grading.paths.solution, 1, f"the reference does not pass: {_why(verdict)}")
        return counts
    grading.check_levels()
    with ThreadPoolExecutor(WORKERS) as pool:
        verdicts = list(pool.map(lambda m: grading.verdict(f"mistake {m.id}", m.source), mistakes))
    rejected = sum(map(grading.rejects, mistakes, verdicts))
    accepted = grading.accepted_variants()
    grading.check_wrong_answers()
    return Counts((rejected, len(mistakes)), (accepted, len(grading.paths.honest_files)))


class _Grading:
    """The graded checks of one exercise."""

    def __init__(self, library: Library, exercise: Exercise, found: Findings, grade: Grade) -> None:
        self.library = library
        self.exercise = exercise
        self.found = found
        self.grade = grade
        self.paths: Paths = library.paths(exercise.slug)
        self.right = render(library.reference(exercise.slug), "bughunt", file=self.paths.solution)

    def verdict(self, label: str, source: str) -> Verdict:
        return self.grade(self.exercise.slug, label, source.encode())

    def check_example(self, run_example: RunExample) -> None:
        """English stands for both languages, whose code blocks are the same."""
        path = self.paths.statement("en")
        if not path.is_file():
            return
        words = statement.load(path, "en")
        line = heading_line(words.text, HEADINGS["en"][SECTIONS.index("Example")])
        for failure in run_example(self.exercise.slug, statement.examples(words), self.right):
            self.found.add(path, line, f"the example fails: {failure}")

    def check_levels(self) -> None:
        """At each level the stub is not accepted, and the same file filled from the reference is."""
        words = statement.load(self.paths.statement("en"), "en")
        for level in _LEVELS:
            code = render_stub(self.library, self.exercise.slug, level).code
            stub = render_attempt(self.exercise, words, code, level=level, lang="en")
            verdict = self.verdict(f"stub at {level}", stub)
            if not _rejected(verdict):
                self.found.add(self.paths.solution, 1, f"the untouched stub at level {level} gives {_why(verdict)}")
            verdict = self.verdict(f"reference at {level}", stub.removesuffix(code) + self.right)
            if not verdict.passed:
                self.found.add(
                    self.paths.solution, 1, f"level {level} filled from the reference fails: {_why(verdict)}"
                )

    def rejects(self, mistake: Mistake, verdict: Verdict) -> bool:
        """Whether a mistake does not pass; what else is wrong with its verdict is noted."""
        problem: str | None = None
        if not _rejected(verdict):
            problem = f"gives {_why(verdict)}"
        elif verdict.failure is None or not _matches(mistake.caught_by, verdict.failure):
            caught = f"`{verdict.failure.id}`" if verdict.failure else "no check"
            problem = f"is caught by {caught}, not by `{mistake.caught_by}`: {_why(verdict)}"
        elif verdict.diagnosis and verdict.diagnosis.mistake != mistake.id:
            problem = f"is diagnosed as {verdict.diagnosis.mistake}"
        if problem:
            self.found.add(mistake.file, mistake.line, f"the mistake {mistake.id} {problem}")
        return _rejected(verdict)

    def accepted_variants(self) -> int:
        """How many honest variants pass."""
        accepted = 0
        for path in self.paths.honest_files:
            verdict = self.verdict(path.name, path.read_text(encoding="utf-8"))
            accepted += verdict.passed
            if not verdict.passed:
                self.found.add(path, 1, f"a right answer does not pass: {_why(verdict)}")
        return accepted

    def check_wrong_answers(self) -> None:
        """Answers that know nothing of the task do not pass."""
        for label, source in wrongs.wrong_answers(self.right, self.exercise.api):
            verdict = self.verdict(label, source)
            if not _rejected(verdict):
                self.found.add(self.paths.grader, 1, f"a wrong answer, {label}, gives {_why(verdict)}")


def _rejected(verdict: Verdict) -> bool:
    return verdict.status in ("failed", "error", "not_started")


def _matches(caught_by: str, check: Check) -> bool:
    return caught_by in (check.id, check.kind) or check.id.startswith(f"{caught_by}.")


def _why(verdict: Verdict) -> str:
    """The verdict in a line."""
    failure = verdict.failure
    if failure is None:
        return verdict.status if verdict.note is None else f"{verdict.status}: {verdict.note}"
    cause = failure.cause
    words = [cause.case, cause.message] if cause else []
    return ": ".join(
        [f"{verdict.status}, {failure.id} {failure.status}", *(" ".join(word.split()) for word in words if word)]
    )


def _ungraded(slug: str, label: str, source: bytes) -> Verdict:
    raise AssertionError("nothing is graded")
