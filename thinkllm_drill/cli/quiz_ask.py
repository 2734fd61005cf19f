"""Asking follow-up questions at the prompt or of lines that are piped in, and showing how they went."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from thinkllm_drill.cli.cells import visible
from thinkllm_drill.cli.output import count, hints, paragraph
from thinkllm_drill.cli.session import Session
from thinkllm_drill.interview.questions import Question, expected, grade
from thinkllm_drill.interview.quiz import Answered, judgement, record
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.interview.quiz import Judged

_QUIT = ("q", "quit", "退出")
_INTERRUPTED = 130


class _Quit(Exception):
    """The learner wants no more questions."""


def run(session: Session, questions: list[Question], *, typed: bool) -> tuple[list[Answered], int]:
    """What was answered, and the exit code that an interrupt asks for, else 0. Each answer is recorded at once.

    Args:
        typed: somebody sits at a terminal; otherwise each line of standard input answers one question.
    """
    done: list[Answered] = []
    if typed:
        _prepare()
        session.out.write(paragraph(session.out, text("quiz.how", questions=count("questions", len(questions)))))
    try:
        for number, question in enumerate(questions, 1):
            if not session.json:
                head(session, question, number, len(questions))
            answered = _typed(session, question) if typed else _piped(session, question)
            if answered is not None:
                done.append(answered)
    except (_Quit, EOFError):
        if typed:
            session.out.write()
    except KeyboardInterrupt:
        session.out.write()
        return done, _INTERRUPTED
    return done, 0


def take(session: Session, question: Question, given: str) -> Answered:
    """One answer that stands for itself: for an open question y, partly or n. Recorded unless it cannot be read."""
    judged = judgement(given) if question.kind == "open" else None
    return record(session.store, question, given, judged)


def head(session: Session, question: Question, number: int, total: int) -> None:
    """Show a question, and how exact the answer must be."""
    screen = session.out
    title = screen.paint(session.entries[question.slug].here, "heading")
    screen.write(f"\n{number}/{total} · {title} · {question.slug}")
    screen.write(paragraph(screen, visible(question.ask.here), indent=2))
    for line in paragraph(screen, _demand(question), indent=2).split("\n"):
        screen.write(screen.paint(line, "dim"))


def explain(session: Session, answered: Answered, *, name: bool = False) -> None:
    """Show whether an answer was right, the right one, and why."""
    screen, graded, question = session.out, answered.graded, answered.question
    start = f"{question.id}: " if name else ""
    if graded.unreadable is not None or not answered.recorded:
        screen.write(paragraph(screen, f"{screen.symbol('skip')} {start}{unreadable(answered)}", indent=2))
        return
    if graded.right is not None:
        key = "right" if graded.right else "wrong_share" if graded.share else "wrong"
        words = text(f"quiz.{key}", expected=graded.expected)
        mark = screen.symbol("ok" if graded.right else "bad")
        screen.write(screen.paint(f"  {mark} {start}{words}", "ok" if graded.right else "bad"))
    elif name:
        screen.write(f"  {start}{text(f'quiz.judged.{answered.judged}')}")
    screen.write(paragraph(screen, visible(question.because.here), indent=2))


def unreadable(answered: Answered) -> str:
    """Why an answer cannot be read, and what to write instead."""
    if answered.question.kind in ("open", "yes_no"):
        return text(f"quiz.unreadable.{answered.question.kind}")
    reason = answered.graded.unreadable.reason if answered.graded.unreadable else "syntax"
    return text(f"quiz.unreadable.{reason}", given=visible(answered.given.strip())[:40])


def summary(session: Session, done: list[Answered], total: int) -> None:
    """How it went, when the questions come back, and what to read."""
    screen = session.out
    known, missed = sum(each.known is True for each in done), [each for each in done if each.known is False]
    told = [each for each in done if each.recorded]
    parts = [text("quiz.summary.known", known=known, total=len(told))] if told else []
    if partly := sum(each.judged == "partly" for each in done):
        parts.append(text("quiz.summary.partly", count=partly))
    if total > len(told):
        parts.append(text("quiz.summary.skipped", count=total - len(told)))
    screen.write()
    screen.write(screen.paint(text("cli.check.comma").join(parts), "title"))
    days = sorted((each.review.due - each.review.last_at).days for each in told if each.review)
    if days:
        by_day = [
            text("quiz.summary.after", count=days.count(day), days=count("days", day)) for day in sorted(set(days))
        ]
        screen.write(text("quiz.summary.back", days=text("cli.check.comma").join(by_day)))
    steps = [_reading(session, slug) for slug in dict.fromkeys(each.question.slug for each in missed)][:3]
    if steps:
        screen.write()
        for line in hints(screen, steps):
            screen.write(line)


def _reading(session: Session, slug: str) -> str:
    """Where to read about an exercise: its statement, and the paper."""
    sources = session.library.exercise(slug).source
    paper = f" · {sources[0].link}" if sources else ""
    return f"thinkllm show {slug} · thinkllm drill {slug}{paper}"


def _demand(question: Question) -> str:
    """What kind of answer is wanted."""
    if question.kind != "number":
        return text(f"quiz.demand.{question.kind}")
    if question.exact:
        return text("quiz.demand.exact_percent" if question.unit == "percent" else "quiz.demand.exact")
    key = "percent" if question.unit == "percent" else "about"
    return text(f"quiz.demand.{key}", percent=f"{question.tolerance * 100:.4g}")


def _typed(session: Session, question: Question) -> Answered | None:
    """What somebody at the terminal answers; None where they skip the question."""
    while True:
        given = _line()
        if given.strip().casefold() in _QUIT:
            raise _Quit
        if question.kind == "open":
            return _judged(session, question, given)
        if not given.strip():
            _skipped(session, question)
            return None
        if grade(question, given).unreadable is None:
            break
        explain(session, Answered(question, given, grade(question, given)))
    answered = record(session.store, question, given)
    explain(session, answered)
    return answered


def _judged(session: Session, question: Question, given: str) -> Answered | None:
    """An open question: the explanation, and what the learner then says of their answer."""
    screen = session.out
    screen.write(paragraph(screen, visible(question.because.here), indent=2))
    screen.write(screen.paint(f"  {text('quiz.judge')}", "dim"))
    while True:
        said = _line()
        if said.strip().casefold() in _QUIT:
            raise _Quit
        if not said.strip():
            return None
        judged: Judged | None = judgement(said)
        if judged is not None:
            return record(session.store, question, given, judged)
        screen.write(paragraph(screen, text("quiz.unreadable.open"), indent=2))


def _skipped(session: Session, question: Question) -> None:
    """Say what would have been right; a question that was skipped is not recorded."""
    screen = session.out
    screen.write(f"  {screen.symbol('skip')} {text('quiz.skipped', expected=expected(question))}")
    screen.write(paragraph(screen, visible(question.because.here), indent=2))


def _piped(session: Session, question: Question) -> Answered | None:
    """What a line of standard input answers; None where it is empty."""
    line = sys.stdin.readline() if sys.stdin is not None else ""
    if not line or line.strip().casefold() in _QUIT:
        raise _Quit
    if not line.strip():
        return None
    answered = take(session, question, line.rstrip("\r\n"))
    if not session.json:
        explain(session, answered, name=question.kind == "open")
    return answered


def _prepare() -> None:
    """Let the arrow keys edit the line, where the system can."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401


def _line() -> str:
    """A line from the terminal, in whatever bytes."""
    try:
        return input("> ")
    except UnicodeDecodeError:
        return "\ufffd"
