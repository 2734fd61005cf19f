"""`thinkllm quiz`: the follow-up questions by themselves, graded and scheduled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.interview import asked, refuse
from thinkllm_drill.cli.list_ import known_topic
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import UsageError
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.interview.questions import Question
    from thinkllm_drill.interview.quiz import Answered
    from thinkllm_drill.progress.reviews import Review


def command(
    ctx: typer.Context,
    slug: Annotated[str | None, typer.Argument(metavar="SLUG", autocompletion=completion.slugs)] = None,
    topic: Annotated[str | None, typer.Option("--topic", metavar="TOPIC", autocompletion=completion.topics)] = None,
    count: Annotated[int | None, typer.Option("--count", metavar="N", min=1)] = None,
    due: Annotated[bool, typer.Option("--due")] = False,
    list_: Annotated[bool, typer.Option("--list")] = False,
    answer: Annotated[list[str] | None, typer.Option("--answer", metavar="ID=VALUE")] = None,
) -> int:
    """Ask the follow-up questions one after another, grade and explain them."""
    from thinkllm_drill.cli import quiz_ask

    session = Session.of(ctx)
    if slug is not None and topic is not None:
        raise UsageError(text("quiz.slug_and_topic"), hint=f"thinkllm quiz {slug}")
    if answer:
        return _answers(session, answer)
    questions = _chosen(session, slug, topic, count, due)
    asks = session.out.is_terminal and not session.json
    typed = sys.stdin is not None and sys.stdin.isatty()
    if list_ or (typed and not asks):
        _show(session, questions)
        return 0
    if not questions:
        if session.json:
            session.emit(_told([]))
        else:
            session.err.write(nothing(session))
        return 0
    done, code = quiz_ask.run(session, questions, typed=typed and asks)
    if session.json:
        session.emit(_told(done))
    elif asks or done:
        quiz_ask.summary(session, done, len(questions))
    return code or _code(done)


def reviews(session: Session) -> dict[str, Review]:
    """What is scheduled; asking creates no file."""
    return session.store.reviews() if session.has_progress else {}


def today() -> date:
    """The learner's day."""
    return datetime.now().astimezone().date()


def nothing(session: Session) -> str:
    """That there is no question to ask, and when there will be."""
    coming = [review.day() for review in reviews(session).values() if review.key != review.slug]
    if not coming:
        return text("quiz.none")
    return text("quiz.none_due", day=min(coming).isoformat())


def _chosen(session: Session, slug: str | None, topic: str | None, count: int | None, due: bool) -> list[Question]:
    """The questions that are asked for: all of an exercise, or some of all."""
    from thinkllm_drill.interview.quiz import COUNT, pick

    scheduled = reviews(session)
    if slug is not None:
        slug = session.library.resolve(slug)
        refuse(session, slug, "quiz")
        if due:
            return pick([slug], _loader(session), scheduled, today(), count=count, due=True)
        return _loader(session)(slug)[:count]
    known, place = session.statuses(), session.learning_path.place
    busy = asked(session)
    entries = [entry for entry in session.entries.values() if entry.slug not in busy]
    if topic is not None:
        topic = known_topic(entries, topic)
        entries = [entry for entry in entries if entry.topic == topic]
    entries.sort(key=lambda entry: (entry.slug not in known, place.get(entry.slug, len(place)), entry.slug))
    slugs = [entry.slug for entry in entries]
    limit = count or (None if due else COUNT)
    return pick(slugs, _loader(session), scheduled, today(), count=limit, due=due)


def _loader(session: Session) -> Callable[[str], list[Question]]:
    """Gives the questions of an exercise, each read once."""
    from thinkllm_drill.interview.questions import questions_of

    @cache
    def load(slug: str) -> list[Question]:
        return questions_of(session.library.exercise(slug))

    return load


def _show(session: Session, questions: list[Question]) -> None:
    """The questions without their answers."""
    if session.json:
        scheduled = reviews(session)
        session.emit({"questions": [_question_json(each, scheduled.get(each.id)) for each in questions]})
        return
    if not questions:
        session.err.write(nothing(session))
    for each in questions:
        session.out.write(f"{each.id}\t{each.kind}\t{each.ask.here}")


def _answers(session: Session, given: list[str]) -> int:
    """Grade and record answers that came as options; all of them must name a question, or none is recorded."""
    from thinkllm_drill.cli import quiz_ask

    pairs = [_pair(session, each) for each in given]
    done = [quiz_ask.take(session, question, value) for question, value in pairs]
    if session.json:
        session.emit(_told(done))
    else:
        for each in done:
            quiz_ask.explain(session, each, name=True)
    return _code(done)


def _pair(session: Session, typed: str) -> tuple[Question, str]:
    id_, equals, value = typed.partition("=")
    slug = id_.strip().rpartition(".")[0]
    if not equals or not slug:
        raise UsageError(text("quiz.bad_answer", typed=typed), hint="thinkllm quiz --list")
    slug = session.library.resolve(slug)
    refuse(session, slug, "quiz")
    for question in _loader(session)(slug):
        if question.id == id_.strip():
            return question, value
    raise UsageError(text("quiz.no_question", id=id_.strip()), hint=f"thinkllm quiz {slug} --list")


def _code(done: list[Answered]) -> int:
    """1 if anything was wrong, not known or could not be read."""
    return int(any(each.known is False or not each.recorded for each in done))


def _question_json(question: Question, review: Review | None) -> dict[str, Any]:
    return {
        "id": question.id,
        "slug": question.slug,
        "kind": question.kind,
        "ask": {"en": question.ask.en, "zh": question.ask.zh},
        "unit": question.unit,
        "tolerance": question.tolerance if question.kind == "number" else None,
        "due": review.day().isoformat() if review else None,
        "asked": review.count if review else 0,
    }


def _told(done: list[Answered]) -> dict[str, Any]:
    """What a script learns of the answers."""
    return {"answers": [_answer_json(each) for each in done], "known": sum(each.known is True for each in done)}


def _answer_json(answered: Answered) -> dict[str, Any]:
    question, graded = answered.question, answered.graded
    reason = graded.unreadable.reason if graded.unreadable else None
    told = answered.recorded  # what could not be read can be answered again
    return {
        "id": question.id,
        "slug": question.slug,
        "given": answered.given,
        "value": graded.value,
        "right": graded.right,
        "self": answered.judged,
        "expected": graded.expected if told else None,
        "because": {"en": question.because.en, "zh": question.because.zh} if told else None,
        "unreadable": reason or (None if told else "judgement"),
        "due": answered.review.day().isoformat() if answered.review else None,
    }
