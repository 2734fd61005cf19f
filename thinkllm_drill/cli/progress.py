"""`thinkllm progress`: a table by topic, the streak and the weak spots."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from thinkllm_drill.cli.output import count, table, topic
from thinkllm_drill.cli.path import choose
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.progress.summary import TopicSummary, WeakSpot


def command(ctx: typer.Context) -> int:
    """Show how far the learner is."""
    from thinkllm_drill.progress import summary

    session = Session.of(ctx)
    entries, statuses = session.entries.values(), session.statuses()
    rows = summary.by_topic(entries, statuses)
    whole = summary.total(rows)
    spots = summary.weak_spots(entries, statuses)
    streak = session.store.streak(datetime.now().astimezone().date()) if session.has_progress else 0
    if session.json:
        session.emit(
            {
                "total": {key: value for key, value in asdict(whole).items() if key != "topic"},
                "topics": [asdict(row) for row in rows],
                "streak": streak,
                "weak": [asdict(spot) for spot in spots],
            }
        )
        return 0
    screen = session.out
    for line in _table(session, rows, whole):
        screen.write(line)
    screen.write()
    screen.write(f"{text('cli.progress.streak')}  {count('days', streak)}")
    if spots:
        screen.write()
        screen.write(screen.paint(text("cli.progress.weak"), "heading"))
        for line in table(screen, [_weak(session, spot) for spot in spots], indent=2, flexible=1):
            screen.write(line)
    choice = choose(entries, statuses, session.learning_path.place)
    if choice is not None:
        screen.write()
        screen.write(text("cli.progress.next", command=screen.paint(choice.typed, "code")))
    return 0


def _table(session: Session, rows: tuple[TopicSummary, ...], whole: TopicSummary) -> list[str]:
    names = [*(topic(row.topic) for row in rows), text("cli.progress.total")]
    head = ["", *(text(f"cli.progress.{name}") for name in ("passed", "started", "runs"))]
    body = [
        [name, f"{row.passed}/{row.total}", str(row.started), str(row.runs)]
        for name, row in zip(names, (*rows, whole), strict=True)
    ]
    styles = [["heading"] * 4, *[[""] * 4] * len(rows), ["bold"] * 4]
    return table(session.out, [head, *body], styles=styles, numbers=(1, 2, 3))


def _weak(session: Session, spot: WeakSpot) -> list[str]:
    facts = [count("runs", spot.runs), *([count("hints", spot.hints)] if spot.hints else [])]
    if spot.gave_up:
        facts.append(text("cli.progress.gave_up"))
    title = session.entries[spot.slug].here
    return [spot.slug, title, text("cli.check.comma").join(facts)]
