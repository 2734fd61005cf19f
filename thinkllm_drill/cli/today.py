"""`thinkllm` alone: today at a glance."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from thinkllm_drill.cli.cells import pad, width
from thinkllm_drill.cli.interview import asked
from thinkllm_drill.cli.output import count, state
from thinkllm_drill.cli.path import PASSED, choose
from thinkllm_drill.cli.review import due
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.progress.status import ExerciseStatus


def command(ctx: typer.Context) -> int:
    """Show where the learner stands and how to go on."""
    session = Session.of(ctx)
    statuses = session.statuses()
    total = len(session.entries)
    passed = sum(status.status in PASSED for slug, status in statuses.items() if slug in session.entries)
    streak = session.store.streak(datetime.now().astimezone().date()) if session.has_progress else 0
    current = session.store.current() if session.has_progress else None
    busy = asked(session)
    choice = choose(
        [entry for entry in session.entries.values() if entry.slug not in busy], statuses, session.learning_path.place
    )
    exercises, questions, _ = due(session)
    if session.json:
        session.emit(
            {
                "passed": passed,
                "total": total,
                "streak": streak,
                "current": current.slug if current else None,
                "next": choice.entry.slug if choice else None,
                "interview": next(iter(busy.values()), None),
                "due": {"exercises": len(exercises), "questions": questions},
            }
        )
        return 0
    screen = session.out
    head = text("cli.today.head", passed=passed, total=total)
    screen.write(screen.paint("thinkllm-drill", "title") + " · " + head + (f" · {_streak(streak)}" if streak else ""))
    screen.write()
    rows: list[tuple[str, str, str]] = []
    if busy:
        rows.append((text("mock.now"), text("mock.runs_now", id=next(iter(busy.values()))), "thinkllm mock"))
    status = statuses.get(current.slug) if current is not None else None
    resumed = ""
    if (
        current is not None
        and current.slug in session.entries
        and current.slug not in busy
        and status is not None
        and _is_open(status)
    ):
        resumed = current.slug
        how = text("cli.check.comma").join((state(screen, status.status), count("runs", status.runs)))
        what = f"{session.entries[current.slug].here} · {how}"
        rows.append((text("cli.today.current"), what, f"thinkllm check {current.slug}"))
    if choice is not None:
        if choice.entry.slug != resumed:
            what = f"{choice.entry.here} · {choice.reason}"
            rows.append((text("cli.today.next"), what, choice.typed))
    elif total:
        rows.append((text("cli.today.next"), text("cli.next.all_passed"), "thinkllm progress"))
    if exercises or questions:
        counts = (("exercises", len(exercises)), ("questions", questions))
        what = text("cli.check.comma").join(count(name, number) for name, number in counts if number)
        rows.append((text("cli.today.review"), what, "thinkllm review"))
    rows.append((text("cli.today.more"), "", "thinkllm list · thinkllm progress · thinkllm --help"))
    for line in _lines(session, rows):
        screen.write(line)
    return 0


def _is_open(status: ExerciseStatus) -> bool:
    """Whether the attempt there is has not passed yet."""
    return status.attempt.passed_at is None


def _streak(days: int) -> str:
    return text("cli.today.streak", days=count("days", days))


def _lines(session: Session, rows: list[tuple[str, str, str]]) -> list[str]:
    """Label, words and the command to type; the command on its own line where the three do not fit."""
    screen: Any = session.out
    label_size = max(width(label) for label, _, _ in rows)
    lines = []
    for label, words, typed in rows:
        start = screen.paint(pad(label, label_size), "dim") + "  "
        command = screen.paint(typed, "code")
        if words and label_size + 4 + width(words) + 2 + width(typed) > screen.width:
            lines += [start + words, " " * (label_size + 2) + command]
        else:
            lines.append(start + (f"{words}  " if words else "") + command)
    return lines
