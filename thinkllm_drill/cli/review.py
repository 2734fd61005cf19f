"""`thinkllm review`: what is due, exercises and questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from thinkllm_drill.cli.output import count, table
from thinkllm_drill.cli.quiz import reviews, today
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from datetime import date

    from thinkllm_drill.cli.drill import Level


def command(ctx: typer.Context, start: Annotated[bool, typer.Option("--start")] = False) -> int:
    """Show what is to be reviewed today."""
    session = Session.of(ctx)
    exercises, questions, coming = due(session)
    if start and exercises:
        from thinkllm_drill.cli.drill import start as drill

        slug = exercises[0][0]
        drill(session, slug, level=cast("Level", level_of(session, slug)), fresh=True)
        return 0
    if session.json:
        rows = [
            {"slug": slug, "due": day.isoformat(), "level": level_of(session, slug), "title": dict(entry.title)}
            for slug, day in exercises
            if (entry := session.entries[slug])
        ]
        session.emit({"exercises": rows, "questions": questions, "next": coming.isoformat() if coming else None})
        return 0
    screen = session.out
    if not exercises and not questions:
        screen.write(text("quiz.review.nothing"))
        if coming:
            screen.write(text("quiz.review.next", day=coming.isoformat()))
        return 0
    lines = [
        (session.entries[slug].here, text("quiz.review.due", day=day.isoformat()), _typed(session, slug))
        for slug, day in exercises
    ]
    if questions:
        lines.append(
            (text("quiz.review.questions", questions=count("questions", questions)), "", "thinkllm quiz --due")
        )
    for line in table(screen, lines, styles=[("", "dim", "code")] * len(lines), flexible=0):
        screen.write(line)
    return 0


def due(session: Session) -> tuple[list[tuple[str, date]], int, date | None]:
    """The exercises that are due with their days, how many questions are, and the next day on which something is."""
    day, exercises, questions, coming = today(), [], 0, []
    for review in reviews(session).values():
        if review.slug not in session.entries:
            continue
        if review.day() > day:
            coming.append(review.day())
        elif review.key == review.slug:
            exercises.append((review.slug, review.day()))
        else:
            questions += 1
    return exercises, questions, min(coming, default=None)


def level_of(session: Session, slug: str) -> str:
    """The level of the next review: more to write than the last time."""
    status = session.statuses().get(slug)
    return "blank" if status is not None and status.level in ("body", "blank") else "body"


def _typed(session: Session, slug: str) -> str:
    return f"thinkllm drill {slug} --fresh --level {level_of(session, slug)}"
