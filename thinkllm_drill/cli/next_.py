"""`thinkllm next`: the next exercise on the path, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from thinkllm_drill.cli.output import facts
from thinkllm_drill.cli.path import choose
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.cli.drill import Level


def command(ctx: typer.Context, start: Annotated[bool, typer.Option("--start")] = False) -> int:
    """Show the next exercise."""
    session = Session.of(ctx)
    choice = choose(session.entries.values(), session.statuses(), session.learning_path.place)
    if choice is None:
        if session.json:
            session.emit({"slug": None, "reason": None})
        else:
            session.out.write(text("cli.next.all_passed"))
        return 0
    entry = choice.entry
    if start:
        from thinkllm_drill.cli.drill import start as drill

        drill(session, entry.slug, level=cast("Level | None", choice.level), fresh=choice.level is not None)
    elif session.json:
        told = {"slug": entry.slug, "topic": entry.topic, "title": dict(entry.title), "reason": choice.reason}
        session.emit({**told, "review": choice.review, "level": choice.level})
    else:
        screen = session.out
        if choice.review:
            screen.write(text("cli.next.all_passed") + "\n")
        screen.write(f"{screen.paint(entry.here, 'title')} · {facts(entry)}")
        screen.write(text("cli.next.because", reason=choice.reason))
        screen.write()
        screen.write(text("cli.next.then", command=screen.paint(choice.typed, "code")))
    return 0
