"""Checks that grade: right answers pass, wrong ones do not, each by the check that it is said to be caught by."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

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
from thinkllm_drill.judge.measured import Measured
from thinkllm_drill.verdict import Verdict

GradeReference = Callable[[str, str, bytes], Verdict]
"""Slug, what the source is, the source → its verdict."""
GradeMany = Callable[[str, Sequence[tuple[str, str]]], Sequence[Measured]]
"""Slug, and what each source is with the source → what each gets, diagnosed, in this order."""
Part = tuple[Sequence[tuple[str, str]], Callable[[Sequence[Measured]], int]]
"""Sources, what each is first, and what is to be made of their results."""
RunExample = Callable[[str, str, str], list[str]]
"""Slug, doctest source, reference → what failed."""

_LEVELS: tuple[Level, ...] = ("cloze", "body", "blank")


@dataclass(frozen=True)
class Graders:
    """How sources are graded: one by one as a learner's is, many at a time, and the statement's example."""

    reference: GradeReference
    many: GradeMany
    example: RunExample


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
    graders: Graders | None,
) -> Counts:
    """Run the example, and grade everything that an exercise says is right or wrong."""
    counts = Counts((0, len(mistakes)), (0, len(library.paths(exercise.slug).honest_files)))
    if graders is None:
        return counts
    grading = _Grading(library, exercise, found, graders)
    grading.check_example()
    verdict = graders.reference(exercise.slug, "reference", grading.right.encode())
    if verdict.status == "unavailable":
        return Counts(counts.mistakes, counts.honest, (f"not graded: {verdict.note or 'not available here'}",))
    if not verdict.passed:
        found.add(grading.paths.solution, 1, f"the reference does not pass: {_why_verdict(verdict)}")
        return counts
    parts = [grading.stubs(), grading.mistakes(mistakes), grading.variants(), grading.wrong_answers()]
    results = iter(graders.many(exercise.slug, [source for sources, _ in parts for source in sources]))
    _, rejected, accepted, _ = (judged(list(islice(results, len(sources)))) for sources, judged in parts)
    return Counts((rejected, len(mistakes)), (accepted, len(grading.paths.honest_files)))


class _Grading:
    """The graded checks of one exercise."""

    def __init__(self, library: Library, exercise: Exercise, found: Findings, graders: Graders) -> None:
        self.library = library
        self.exercise = exercise
        self.found = found
        self.graders = graders
        self.paths: Paths = library.paths(exercise.slug)
        self.right = render(library.reference(exercise.slug), "bughunt", file=self.paths.solution)

    def check_example(self) -> None:
        """English stands for both languages, whose code blocks are the same."""
        path = self.paths.statement("en")
        if not path.is_file():
            return
        words = statement.load(path, "en")
        line = heading_line(words.text, HEADINGS["en"][SECTIONS.index("Example")])
        for failure in self.graders.example(self.exercise.slug, statement.examples(words), self.right):
            self.found.add(path, line, f"the example fails: {failure}")

    def stubs(self) -> Part:
        """At each level the stub is not accepted; filled from the reference it is the reference, comments apart."""
        words = statement.load(self.paths.statement("en"), "en")
        sources: list[tuple[str, str]] = []
        for level in _LEVELS:
            code = render_stub(self.library, self.exercise.slug, level).code
            stub = render_attempt(self.exercise, words, code, level=level, lang="en")
            sources.append((f"stub at {level}", stub))
            if not _same_program(stub.removesuffix(code) + self.right, self.right):
                self.found.add(self.paths.solution, 1, f"level {level} filled from the reference is another program")

        def judged(results: Sequence[Measured]) -> int:
            for level, untouched in zip(_LEVELS, results, strict=True):
                if not untouched.rejected:
                    problem = f"the untouched stub at level {level} gives {_why(untouched)}"
                    self.found.add(self.paths.solution, 1, problem)
            return len(results)

        return sources, judged

    def mistakes(self, mistakes: Sequence[Mistake]) -> Part:
        """Mistakes do not pass: how many; what else is wrong with what they get is noted."""

        def judged(results: Sequence[Measured]) -> int:
            for mistake, result in zip(mistakes, results, strict=True):
                problem: str | None = None
                if not result.rejected:
                    problem = f"gives {_why(result)}"
                elif not mistake.names(result.check, result.kind):
                    problem = f"is caught by `{result.check}`, not by `{mistake.caught_by}`: {_why(result)}"
                elif result.diagnosis not in (None, mistake.id):
                    problem = f"is diagnosed as {result.diagnosis}"
                if problem:
                    self.found.add(mistake.file, mistake.line, f"the mistake {mistake.id} {problem}")
            return sum(result.rejected for result in results)

        return [(f"mistake {mistake.id}", mistake.source) for mistake in mistakes], judged

    def variants(self) -> Part:
        """Honest variants pass: how many."""
        files = self.paths.honest_files

        def judged(results: Sequence[Measured]) -> int:
            for path, result in zip(files, results, strict=True):
                if not result.passed:
                    self.found.add(path, 1, f"a right answer does not pass: {_why(result)}")
            return sum(result.passed for result in results)

        return [(path.name, path.read_text(encoding="utf-8")) for path in files], judged

    def wrong_answers(self) -> Part:
        """Answers that know nothing of the task do not pass."""
        sources = list(wrongs.wrong_answers(self.right, self.exercise.api))

        def judged(results: Sequence[Measured]) -> int:
            for (label, _), result in zip(sources, results, strict=True):
                if not result.rejected:
                    self.found.add(self.paths.grader, 1, f"a wrong answer, {label}, gives {_why(result)}")
            return len(results)

        return sources, judged


def _same_program(one: str, other: str) -> bool:
    """Whether two sources differ in comments and empty lines alone."""
    return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))


def _why(result: Measured) -> str:
    """What a source gets, in a line."""
    words = [f"{result.status}, {result.check} {result.check_status}"] if result.check else [result.status]
    return ": ".join([*words, *([result.message] if result.message else [])])


def _why_verdict(verdict: Verdict) -> str:
    """The verdict in a line."""
    failure = verdict.failure
    if failure is None:
        return verdict.status if verdict.note is None else f"{verdict.status}: {verdict.note}"
    cause = failure.cause
    words = [cause.case, cause.message] if cause else []
    return ": ".join(
        [f"{verdict.status}, {failure.id} {failure.status}", *(" ".join(word.split()) for word in words if word)]
    )
