"""`thinkllm list`: the catalogue with the learner's status."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from thinkllm_drill import locale
from thinkllm_drill.cli import completion
from thinkllm_drill.cli.output import count, paragraph, state, state_style, table
from thinkllm_drill.cli.output import topic as topic_name
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import UsageError
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.content.library import Entry
    from thinkllm_drill.progress.status import ExerciseStatus

_Difficulty = Literal["easy", "medium", "hard"]
_Status = Literal["new", "started", "passed", "passed_speed_unmeasured"]
_Group = tuple[str, "list[Entry]"]
_NARROW = 60


def command(
    ctx: typer.Context,
    topic: Annotated[str | None, typer.Option("--topic", metavar="TOPIC", autocompletion=completion.topics)] = None,
    difficulty: Annotated[_Difficulty | None, typer.Option("--difficulty")] = None,
    status: Annotated[_Status | None, typer.Option("--status")] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG")] = None,
    strength: Annotated[bool, typer.Option("--strength")] = False,
    path: Annotated[bool, typer.Option("--path")] = False,
    plain: Annotated[bool, typer.Option("--plain")] = False,
) -> int:
    """Show the exercises."""
    session = Session.of(ctx)
    statuses = session.statuses()
    entries = list(session.entries.values())
    if topic is not None:
        topic = known_topic(entries, topic)
    chosen = [
        entry
        for entry in entries
        if topic in (None, entry.topic)
        and difficulty in (None, entry.difficulty)
        and (tag is None or tag.lower() in (name.lower() for name in entry.tags))
        and (status is None or _matches(_status(entry, statuses), status))
    ]
    groups = _stages(session, chosen) if path else _topics(session, chosen)
    chosen = [entry for _, entries in groups for entry in entries]
    if session.json:
        session.emit({"exercises": [_json(session, entry, statuses) for entry in chosen]})
    elif plain:
        for entry in chosen:
            session.out.write(_plain(session, entry, _status(entry, statuses), strength))
    else:
        _show(session, groups, statuses, strength)
    return 0


def _topics(session: Session, entries: list[Entry]) -> list[_Group]:
    """The exercises by topic."""
    return [(_heading(session, topic), list(of)) for topic, of in groupby(entries, key=lambda entry: entry.topic)]


def _stages(session: Session, entries: list[Entry]) -> list[_Group]:
    """The exercises by stage of the learning path, in its order; those that are not on it at the end."""
    known = {entry.slug: entry for entry in entries}
    groups: list[_Group] = []
    for stage in session.learning_path.stages:
        heading = session.out.paint(stage.title[locale.current()], "heading")
        groups.append((heading, [known.pop(slug) for slug in stage.exercises if slug in known]))
    groups.append((session.out.paint(text("cli.list.not_on_the_path"), "heading"), list(known.values())))
    return [(heading, of) for heading, of in groups if of]


def known_topic(entries: list[Entry], name: str) -> str:
    """The topic that was meant; UsageError with all of them if there is none such."""
    topics = list(dict.fromkeys(entry.topic for entry in entries))
    typed = name.strip().lower()
    for topic in topics:
        if typed.replace("-", "_").replace(" ", "_") == topic.replace("-", "_") or typed == topic_name(topic).lower():
            return topic
    raise UsageError(text("cli.error.no_topic", name=name, topics=", ".join(topics)), hint="thinkllm list")


def _matches(status: str, wanted: str) -> bool:
    return status == wanted or (wanted == "passed" and status == "passed_speed_unmeasured")


def _status(entry: Entry, statuses: dict[str, ExerciseStatus]) -> str:
    known = statuses.get(entry.slug)
    return known.status if known else "new"


def _strength(session: Session, entry: Entry) -> dict[str, list[int]] | None:
    """How strong the grader was measured to be, if it was."""
    from thinkllm_drill.content import strength

    measured = strength.read(session.library.paths(entry.slug).strength)
    return None if measured is None else {"mistakes": list(measured.mistakes), "mutants": list(measured.mutants)}


def _json(session: Session, entry: Entry, statuses: dict[str, ExerciseStatus]) -> dict[str, object]:
    known = statuses.get(entry.slug)
    return {
        "slug": entry.slug,
        "topic": entry.topic,
        "title": dict(entry.title),
        "difficulty": entry.difficulty,
        "minutes": entry.minutes,
        "status": _status(entry, statuses),
        "due": known.due.isoformat() if known is not None and known.due is not None else None,
        "asked": entry.asked,
        "kernel": entry.kernel,
        "strength": _strength(session, entry),
    }


def _plain(session: Session, entry: Entry, status: str, strength: bool) -> str:
    """One exercise as fields between tabs."""
    fields = [entry.slug, entry.topic, status, entry.difficulty, str(entry.minutes), entry.asked, entry.here]
    return "\t".join([*fields, *([_strength_words(session, entry)] if strength else [])])


def _strength_words(session: Session, entry: Entry) -> str:
    measured = _strength(session, entry)
    if measured is None:
        return text("cli.list.unmeasured")
    return ", ".join(f"{rejected}/{total} {text(f'cli.list.{name}')}" for name, (rejected, total) in measured.items())


def _show(session: Session, groups: list[_Group], statuses: dict[str, ExerciseStatus], strength: bool) -> None:
    """The table, group by group; on a narrow terminal without the facts."""
    screen = session.out
    if not groups:
        session.err.write(text("cli.list.nothing"))
        return
    narrow = screen.is_terminal and screen.width < _NARROW
    rows, styles = [], []
    for entry in (entry for _, entries in groups for entry in entries):
        status = _status(entry, statuses)
        row = [state(screen, status), entry.slug, entry.here]
        if not narrow:
            row += [text(f"cli.difficulty.{entry.difficulty}"), text("cli.list.minutes", count=entry.minutes)]
            row += [_strength_words(session, entry) if strength else text(f"cli.asked.{entry.asked}")]
        rows.append(row)
        styles.append([state_style(status), "bold", *[""] * (len(row) - 2)])
    lines = iter(table(screen, rows, styles=styles, flexible=2, numbers=() if narrow else (4,), indent=2))
    for number, (heading, entries) in enumerate(groups):
        if number:
            screen.write()
        screen.write(heading)
        for _ in entries:
            screen.write(next(lines))
    if screen.is_terminal:
        foot = text("cli.list.foot", exercises=count("exercises", len(rows)))
        screen.write("\n" + screen.paint(paragraph(screen, foot), "dim"))


def _heading(session: Session, topic: str) -> str:
    """The name of a topic, and what `--topic` calls it where that is another word."""
    name = topic_name(topic)
    same = name.lower().replace(" ", "_") == topic
    return session.out.paint(name if same else text("cli.list.topic", name=name, slug=topic), "heading")
