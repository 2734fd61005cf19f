"""What an interview came to, put together from its events and the content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from thinkllm_drill.content.attempt import code_of, is_emptied
from thinkllm_drill.content.blanks import render
from thinkllm_drill.content.library import Library
from thinkllm_drill.findings import suite_of, title_of
from thinkllm_drill.interview import profiles, score
from thinkllm_drill.interview.model import Interview, Problem
from thinkllm_drill.interview.questions import expected, questions_of
from thinkllm_drill.interview.result import Advice, Earlier, Moment, ProblemResult, QuestionResult, Result
from thinkllm_drill.locale import text
from thinkllm_drill.progress.store import Store
from thinkllm_drill.verdict import Verdict


def result(interview: Interview, interviews: Mapping[str, Interview], library: Library, store: Store) -> Result:
    """The result of an interview that is over and graded, in the language of this process.

    Args:
        interview: the interview.
        interviews: all there are, for the scores before.
        library, store: where titles, references and sources are from.
    """
    assert interview.finished_at is not None
    assert interview.reason is not None
    problems = tuple(_problem(interview, problem, library, store) for problem in interview.problems)
    parts = score.parts(interview)
    known = profiles.read(library.root).get(interview.profile or "")
    return Result(
        id=interview.id,
        started_at=interview.started_at,
        ended_at=interview.finished_at,
        minutes=interview.minutes,
        reason=interview.reason,
        seed=interview.seed,
        profile=known.here if known else interview.profile,
        runs=interview.runs,
        problems=problems,
        parts=parts,
        score=score.score(parts),
        advice=tuple(_advice(problems)),
        earlier=tuple(_earlier(interview, interviews.values())),
        clock_back=interview.clock_back,
    )


def _earlier(interview: Interview, interviews: Iterable[Interview]) -> Iterable[Earlier]:
    for other in interviews:
        if other.graded and other.started_at < interview.started_at:
            yield Earlier(other.id, other.started_at, other.minutes, score.score(score.parts(other)))


def _problem(interview: Interview, problem: Problem, library: Library, store: Store) -> ProblemResult:
    exists = problem.slug in set(library.slugs())
    title = next((entry.here for entry in library.entries() if entry.slug == problem.slug), problem.slug)
    counted = store.source(problem.counted) if problem.counted else None
    emptied = counted is not None and is_emptied(counted)
    late = problem.late if problem.late and problem.late.source != problem.counted else None
    return ProblemResult(
        slug=problem.slug,
        title=title,
        difficulty=problem.difficulty,
        minutes=problem.minutes,
        outcome=score.outcome(problem.verdict),
        share=round(score.share(problem.verdict), 3),
        seconds=problem.seconds,
        question_seconds=problem.question_seconds,
        runs=problem.runs_taken,
        source=None if emptied else _code(store, problem.counted),
        emptied=emptied,
        reference=_reference(library, problem.slug) if exists else "",
        verdict=_in_our_language(problem.verdict, library) if exists else problem.verdict,
        late_source=_code(store, late.source) if late else None,
        late_verdict=_in_our_language(problem.late_verdict, library) if late and exists else None,
        follows=problem.follows,
        submitted=problem.submitted_at is not None,
        questions=tuple(_questions(problem, library)) if exists else (),
        moments=tuple(sorted(_moments(interview, problem), key=lambda moment: moment.seconds)),
    )


def _in_our_language(verdict: Verdict | None, library: Library) -> Verdict | None:
    """A verdict with the known mistake named in the language of this process, whatever it was graded in."""
    if verdict is None or verdict.diagnosis is None:
        return verdict
    from thinkllm_drill.content import mistakes

    known = {mistake.id: mistake.says.here for mistake in mistakes.load(library.paths(verdict.slug))}
    says = known.get(verdict.diagnosis.mistake, verdict.diagnosis.says)
    return replace(verdict, diagnosis=replace(verdict.diagnosis, says=says))


def _reference(library: Library, slug: str) -> str:
    return render(library.reference(slug), "bughunt", file=library.paths(slug).solution)


def _code(store: Store, name: str | None) -> str | None:
    """A version of a file without the task above its code."""
    source = store.source(name) if name else None
    return None if source is None else code_of(source)


def _questions(problem: Problem, library: Library) -> Iterable[QuestionResult]:
    known = {question.id: question for question in questions_of(library.exercise(problem.slug))}
    given = {answer.question: answer for answer in problem.answers}
    for name in dict.fromkeys((*given, *problem.asked)):
        question, answer = known.get(name), given.get(name)
        if question is not None:
            yield QuestionResult(
                ask=question.ask.here,
                because=question.because.here,
                answer=expected(question),
                given=(answer.given or None) if answer else None,
                right=answer.right if answer else False,
            )


def _moments(interview: Interview, problem: Problem) -> Iterable[Moment]:
    def after(at: datetime) -> float:
        return max(0.0, (at - interview.started_at).total_seconds())

    for since in problem.focused:
        yield Moment(after(since), "focus")
    for saved in problem.saves:
        yield Moment(after(saved.at), "save")
    for run in problem.runs:
        yield Moment(after(run.at), "run", passed=run.verdict.passed)
    if problem.submitted_at is not None:
        passed = problem.verdict.passed if problem.verdict else None
        yield Moment(after(problem.submitted_at), "submit", passed=passed)
    for answer in problem.answers:
        yield Moment(after(answer.at), "answer", passed=answer.right)
    if problem.late is not None:
        yield Moment(after(problem.late.at), "save", late=True)


def _advice(problems: Iterable[ProblemResult]) -> Iterable[Advice]:
    """One sentence for the weakest problem, one for slow passes, one for the questions."""
    problems = list(problems)
    weak = sorted((each for each in problems if each.outcome not in ("passed", "ungraded")), key=_need)
    for problem in weak[:2]:
        yield Advice(_says(problem), f"thinkllm drill {problem.slug}")
    slow = [each for each in problems if each.outcome == "passed" and each.seconds > 60 * each.minutes]
    if slow and not weak:
        slowest = max(slow, key=lambda each: each.seconds / each.minutes)
        yield Advice(
            text("mock.advice.slow", title=slowest.title, spent=_minutes(slowest.seconds), minutes=slowest.minutes),
            f"thinkllm drill {slowest.slug} --level blank --fresh",
        )
    missed = [each for each in problems if any(question.right is False for question in each.questions)]
    if missed:
        yield Advice(text("mock.advice.questions", title=missed[0].title), f"thinkllm quiz {missed[0].slug}")
    if not weak and not slow and not missed:
        yield Advice(text("mock.advice.harder"), "thinkllm mock start --difficulty hard")


def _need(problem: ProblemResult) -> tuple[bool, float]:
    """What was tried and is nearly right comes first: it is the shortest way to a pass."""
    return problem.outcome == "untouched", -problem.share


def _says(problem: ProblemResult) -> str:
    verdict: Verdict | None = problem.verdict
    if problem.outcome == "untouched":
        return text(f"mock.advice.{'emptied' if problem.emptied else 'untouched'}", title=problem.title)
    if verdict is not None and verdict.diagnosis is not None:
        return text("mock.advice.diagnosed", title=problem.title, says=verdict.diagnosis.says)
    failure = verdict.failure if verdict else None
    check = " · ".join(filter(None, (suite_of(failure), title_of(failure)))) if failure else "?"
    return text("mock.advice.failed", title=problem.title, check=check)


def _minutes(seconds: float) -> int:
    return max(1, round(seconds / 60))
