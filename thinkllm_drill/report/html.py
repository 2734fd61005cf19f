"""The report of a mock interview as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from textwrap import dedent

from thinkllm_drill.findings import finding, of_every_suite, suite_of, title_of
from thinkllm_drill.interview.result import Part, ProblemResult, Result
from thinkllm_drill.locale import text
from thinkllm_drill.report import charts
from thinkllm_drill.report.code import Block, Line, compare, lines_of
from thinkllm_drill.report.page import count, number, page, say
from thinkllm_drill.report.roofline import Measured, measured
from thinkllm_drill.verdict import Cause, Check, Verdict
from thinkllm_drill.visible import visible

_MOST_CHARACTERS = 6000
"""Of a message, a value or what was printed."""
_MOST_PRINTED = 60


@dataclass(frozen=True)
class Row:
    """A line of the rubric: the part, its points, and why."""

    part: Part
    why: str


@dataclass(frozen=True)
class Failure:
    """A check that did not pass."""

    title: str
    cause: Cause | None
    message: str
    inputs: str
    expected: str
    actual: str
    frames: tuple[tuple[int, str, str], ...]
    rerun: str | None


@dataclass(frozen=True)
class Graded:
    """What a verdict says, in words."""

    passed: tuple[str, ...]
    skipped: int
    failures: tuple[Failure, ...]
    diagnosis: str | None
    note: str | None
    stdout: str
    seed: str


@dataclass(frozen=True)
class Problem:
    """One problem as the template shows it."""

    number: int
    result: ProblemResult
    worth: str
    code: tuple[Line, ...] | None
    reference: tuple[Line, ...]
    blocks: tuple[Block, ...]
    cut: int
    """How many lines are left out."""
    graded: Graded | None
    late: tuple[Line, ...] | None
    late_blocks: tuple[Block, ...]
    late_graded: Graded | None
    gpu: Measured | None
    """What was timed on a GPU."""
    after: str | None
    """The title of the problem that was passed early before it."""


@dataclass(frozen=True)
class Event:
    """A row of the table of what happened."""

    seconds: float
    problem: str
    what: str


def render(result: Result) -> str:
    """The page of an interview, in the language of this process: everything inline, no scripts, no network."""
    return page(
        "mock.html",
        result=result,
        rubric=[Row(part, _why(part, result)) for part in result.parts],
        line=charts.time_line(result),
        events=list(_events(result)),
        problems=[_problem(index, problem, result) for index, problem in enumerate(result.problems, 1)],
        scores=charts.scores(result),
        spent=max(0.0, (result.ended_at - result.started_at).total_seconds()),
    )


def _why(part: Part, result: Result) -> str:
    """What the points of a part come from."""
    problems = [problem for problem in result.problems if problem.follows is None] or list(result.problems)
    passed = [problem for problem in problems if problem.outcome == "passed"]
    asked = [question for problem in result.problems for question in problem.questions if question.right is not None]
    if part.name == "correctness":
        outcomes = [problem.outcome for problem in problems]
        kinds = [kind for kind in ("passed", "partly", "failed", "untouched", "ungraded") if kind in outcomes]
        return say(
            "list", items=say("comma").join(say(f"outcomes.{kind}", count=outcomes.count(kind)) for kind in kinds)
        )
    if part.name == "time":
        if not passed:
            return say("why.nothing_passed")
        early = sum(problem.seconds <= 60 * problem.minutes for problem in passed)
        return say("why.time", early=early, passed=len(passed))
    if part.name == "runs":
        if not passed:
            return say("why.nothing_passed")
        runs = count("runs", sum(problem.runs for problem in passed))
        return say("why.runs", runs=runs, passed=len(passed), allowed=result.runs)
    if part.name == "questions":
        if not asked:
            return say("why.not_asked")
        return say("why.questions", right=sum(question.right is True for question in asked), asked=len(asked))
    extra = [problem for problem in result.problems if problem.follows is not None]
    return say("why.extra", passed=sum(problem.outcome == "passed" for problem in extra), extra=len(extra))


def _events(result: Result) -> Iterator[Event]:
    """What happened, in order."""
    moments = [(moment, problem) for problem in result.problems for moment in problem.moments]
    for moment, problem in sorted(moments, key=lambda each: each[0].seconds):
        known = {None: "", True: ".passed", False: ".failed"}[moment.passed]
        what = say(f"event.{moment.kind}{known if moment.kind in ('run', 'submit', 'answer') else ''}")
        yield Event(moment.seconds, problem.title, say("event.late", what=what) if moment.late else what)


def _problem(number_: int, problem: ProblemResult, result: Result) -> Problem:
    reference, cut = lines_of(problem.reference) if problem.reference else ((), 0)
    code: tuple[Line, ...] | None = None
    late: tuple[Line, ...] | None = None
    if problem.source is not None:
        code, more = lines_of(problem.source)
        cut += more
    if problem.late_source is not None:
        late, more = lines_of(problem.late_source)
        cut += more
    titles = {each.slug: each.title for each in result.problems}
    return Problem(
        number=number_,
        result=problem,
        worth=number(100 * problem.share),
        code=code,
        reference=reference,
        blocks=tuple(compare(code, reference)) if code is not None else (),
        cut=cut,
        graded=_graded(problem.verdict) if problem.verdict is not None else None,
        late=late,
        late_blocks=tuple(compare(code, late)) if code is not None and late is not None else (),
        late_graded=_graded(problem.late_verdict) if problem.late_verdict is not None else None,
        gpu=measured(problem.verdict) if problem.verdict is not None else None,
        after=titles.get(problem.follows, problem.follows) if problem.follows else None,
    )


def _graded(verdict: Verdict) -> Graded:
    failed = [check for check in verdict.checks if check.status not in ("passed", "skipped")]
    repeated = any(check.cause and check.cause.message == verdict.note for check in failed)
    return Graded(
        passed=tuple(_passed(check) for check in verdict.checks if check.status == "passed"),
        skipped=sum(check.status == "skipped" for check in verdict.checks),
        failures=tuple(_failure(check, verdict) for check in failed),
        diagnosis=verdict.diagnosis.says if verdict.diagnosis else None,
        note=None if repeated else verdict.note,
        stdout="\n".join(verdict.stdout[-_MOST_CHARACTERS:].rstrip().split("\n")[-_MOST_PRINTED:]),
        seed=verdict.seed,
    )


def _passed(check: Check) -> str:
    return title_of(check) or check.kind


def _failure(check: Check, verdict: Verdict) -> Failure:
    cause = check.cause
    title = title_of(check) if of_every_suite(check) else text("cli.check.not_met", title=title_of(check))
    about = (suite_of(check), text(f"cli.check_status.{check.status}"), title)
    if not cause:
        return Failure(" · ".join(filter(None, (suite_of(check), finding(check)))), None, "", "", "", "", (), None)
    rerun = None
    if cause.rerun and verdict.seed:
        rerun = f"thinkllm check {_typed(verdict.file)} --case {quote(visible(cause.rerun))} --seed {verdict.seed}"
    return Failure(
        title=" · ".join(dict.fromkeys(filter(None, about))),
        cause=cause,
        message=_shortened(cause.message),
        inputs=_shortened(cause.inputs),
        expected=_shortened(cause.expected),
        actual=_shortened(cause.actual),
        frames=tuple(
            (frame.line, frame.function, dedent(visible(frame.code)).strip("\n")) for frame in cause.frames[-6:]
        ),
        rerun=rerun,
    )


def _typed(file: str) -> str:
    """A file as it is typed in a shell: the file of an interview is not the one that the slug alone means."""
    with suppress(ValueError, RuntimeError):  # not below the home folder, or there is none
        inside = visible(str(Path(file).relative_to(Path.home())))
        if quote(inside) == inside:
            return f"~/{inside}"
    return quote(visible(file))


def _shortened(words: str | None) -> str:
    """Words from an attempt, which may be of any length."""
    words = (words or "").rstrip()
    return words if len(words) <= _MOST_CHARACTERS else f"{words[:_MOST_CHARACTERS]}…"
