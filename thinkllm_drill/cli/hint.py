"""`thinkllm hint`: the next of the three hints, counted."""

from __future__ import annotations

from typing import Annotated

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.interview import refuse
from thinkllm_drill.cli.output import paragraph
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import UsageError
from thinkllm_drill.locale import current, text


def command(
    ctx: typer.Context,
    slug: Annotated[str | None, typer.Argument(metavar="SLUG", autocompletion=completion.slugs)] = None,
    again: Annotated[bool, typer.Option("--again")] = False,
) -> int:
    """Show the next hint, or those seen already."""
    session = Session.of(ctx)
    slug = session.slug(slug)
    refuse(session, slug, "hint")
    hints = texts(session, slug)
    if again:
        used = min(session.store.hints_used(slug) if session.has_progress else 0, len(hints))
        if not used:
            raise UsageError(text("cli.hint.none_seen", slug=slug), hint=f"thinkllm hint {slug}")
        numbers = range(1, used + 1)
    else:
        number = open_next(session, slug)
        numbers = range(number, number + 1)
    if session.json:
        shown = [{"number": number, "text": hints[number - 1]} for number in numbers]
        session.emit({"slug": slug, "total": len(hints), "hints": shown})
        return 0
    screen = session.out
    for number in numbers:
        head = text("cli.hint.head", number=number, total=len(hints))
        screen.write(f"{screen.paint(session.entries[slug].here, 'title')} · {head}\n")
        screen.write(paragraph(screen, hints[number - 1], indent=2))
        if number < numbers[-1]:
            screen.write()
    return 0


def texts(session: Session, slug: str) -> list[str]:
    """The hints of an exercise in the learner's language."""
    return [getattr(hint, current()) for hint in session.library.exercise(slug).hint]


def open_next(session: Session, slug: str) -> int:
    """The number of the next hint, which is recorded as seen; UsageError where there is none."""
    refuse(session, slug, "hint")
    total = len(session.library.exercise(slug).hint)
    used = session.store.hints_used(slug) if session.has_progress else 0
    if _is_bughunt(session, slug):
        raise UsageError(text("cli.hint.bughunt", slug=slug), hint=f"thinkllm check {slug}")
    if used >= total:
        again, solution = f"thinkllm hint {slug} --again", _solution(session, slug)
        raise UsageError(
            text("cli.hint.no_more", slug=slug, total=total),
            hint=text("cli.hint.no_more_hint", again=again, solution=solution),
        )
    session.store.record("hint", slug, {"number": used + 1})
    return used + 1


def _is_bughunt(session: Session, slug: str) -> bool:
    """Whether the attempt there is holds a planted mistake: the hints are about writing the code."""
    from thinkllm_drill.cli.preflight import level_of

    path = session.attempt_path(slug)
    return path.is_file() and level_of(session.workspace.read(path)) == "bughunt"


def _solution(session: Session, slug: str) -> str:
    """The command that shows the reference."""
    status = session.statuses().get(slug)
    seen = status is not None and status.sees_reference
    return f"thinkllm solution {slug}" if seen else f"thinkllm solution {slug} --give-up"
