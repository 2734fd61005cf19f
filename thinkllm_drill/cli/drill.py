"""`thinkllm drill`: writes or resumes an attempt and shows the statement."""

from __future__ import annotations

import random as randomness
import secrets
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from thinkllm_drill.cli import completion, needs
from thinkllm_drill.cli.cells import width
from thinkllm_drill.cli.editor import open_editor
from thinkllm_drill.cli.interview import refuse
from thinkllm_drill.cli.list_ import known_topic
from thinkllm_drill.cli.output import paragraph
from thinkllm_drill.cli.path import PASSED
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.cli.show import statement
from thinkllm_drill.cli.warm import get_ready
from thinkllm_drill.errors import UsageError
from thinkllm_drill.locale import current, text
from thinkllm_drill.packages import missing

Level = Literal["cloze", "body", "blank", "bughunt"]
Difficulty = Literal["easy", "medium", "hard"]


@dataclass(frozen=True)
class Written:
    """An attempt that is on disk now."""

    slug: str
    path: Path
    level: str
    resumed: bool
    archived: Path | None = None
    seed: str | None = None
    review: bool = False
    """Whether nobody chose the level: it is higher than the first time because the exercise was passed before."""


def command(
    ctx: typer.Context,
    slug: Annotated[str | None, typer.Argument(metavar="SLUG", autocompletion=completion.slugs)] = None,
    level: Annotated[Level | None, typer.Option("--level")] = None,
    fresh: Annotated[bool, typer.Option("--fresh")] = False,
    edit: Annotated[bool, typer.Option("--edit")] = False,
    random: Annotated[bool, typer.Option("--random")] = False,
    topic: Annotated[str | None, typer.Option("--topic", metavar="TOPIC", autocompletion=completion.topics)] = None,
    difficulty: Annotated[Difficulty | None, typer.Option("--difficulty")] = None,
) -> int:
    """Write an attempt, or resume the one there is."""
    session = Session.of(ctx)
    if random:
        if slug is not None:
            raise UsageError(text("cli.drill.random_or_slug"), hint="thinkllm drill --random")
        slug = _pick(session, topic, difficulty)
    elif topic is not None or difficulty is not None:
        raise UsageError(text("cli.drill.filter_without_random"), hint="thinkllm drill --random")
    if slug is None:
        raise UsageError(text("cli.error.missing", name="SLUG"), hint="thinkllm next --start")
    start(session, session.library.resolve(slug), level=level, fresh=fresh, edit=edit)
    return 0


def start(session: Session, slug: str, *, level: Level | None = None, fresh: bool = False, edit: bool = False) -> None:
    """Write or resume the attempt at `slug`, tell so, record it and get ready for the first check."""
    written = write(session, slug, level=level, fresh=fresh)
    _tell(session, written)
    file = str(written.path)
    payload = {"level": written.level, "file": file, "resumed": written.resumed, "seed": written.seed}
    session.store.record("drill", slug, payload)
    session.workspace.prepare_editor_settings(sys.executable)
    get_ready(session, slug)
    if edit:
        open_editor(session, written.path)


def write(session: Session, slug: str, *, level: Level | None = None, fresh: bool = False) -> Written:
    """The attempt at `slug`, written if there is none or a fresh one is wished for; the old one is archived."""
    refuse(session, slug, "drill")
    path = session.attempt_path(slug)
    exists = path.exists() or path.is_symlink()
    if exists and not fresh:
        if level is not None:
            message = text("cli.drill.level_of_existing", file=short_path(path), level=level)
            raise UsageError(message, hint=f"thinkllm drill {slug} --level {level} --fresh")
        return Written(slug, path, _level_of(session, slug, path), resumed=True)
    from thinkllm_drill.content.attempt import new_attempt

    session.settings.ensure_home()
    chosen = level or _default_level(session, slug)
    seed = _seed(session, slug, chosen)
    content = new_attempt(session.library, slug, chosen, session.settings.lang, seed=seed)
    archived = session.workspace.archive(path, datetime.now().astimezone()) if exists else None
    session.workspace.write_new(path, content)
    review = level is None and chosen != session.settings.level
    return Written(slug, path, chosen, resumed=False, archived=archived, seed=seed, review=review)


def _seed(session: Session, slug: str, level: Level) -> str | None:
    """What chooses the planted mistake, and on a review the blanks that are cut; the first cloze has them all."""
    status = session.statuses().get(slug)
    seen = status is not None and status.passes > 0
    return secrets.token_hex(8) if level == "bughunt" or (level == "cloze" and seen) else None


def _default_level(session: Session, slug: str) -> Level:
    """The configured level; after a pass no cloze any more."""
    status = session.statuses().get(slug)
    level = cast(Level, session.settings.level)
    return "body" if level == "cloze" and status is not None and status.passes else level


def _level_of(session: Session, slug: str, path: Path) -> str:
    """The level of an attempt that exists, as its first line says, else as it was recorded."""
    from thinkllm_drill.content.attempt import read_header

    header = read_header(session.workspace.read(path).decode("utf-8", "replace"))
    status = session.statuses().get(slug)
    return header.level if header else (status.level if status else None) or session.settings.level


def _pick(session: Session, topic: str | None, difficulty: str | None) -> str:
    """An exercise by chance, one that is not passed if there is any."""
    entries = list(session.entries.values())
    wanted = known_topic(entries, topic) if topic is not None else None
    fitting = [e for e in entries if wanted in (None, e.topic) and difficulty in (None, e.difficulty)]
    if not fitting:
        raise UsageError(text("cli.drill.nothing_fits"), hint="thinkllm list")
    passed = {slug for slug, status in session.statuses().items() if status.status in PASSED}
    return randomness.choice([e for e in fitting if e.slug not in passed] or fitting).slug


def _tell(session: Session, written: Written) -> None:
    """Say what was done and how to go on; on a terminal below the statement."""
    slug, screen = written.slug, session.out
    if session.json:
        session.emit(
            {"slug": slug, "file": str(written.path), "level": written.level, "resumed": written.resumed}
            | ({"archived": str(written.archived)} if written.archived else {})
        )
        return
    if screen.is_terminal:
        screen.write(statement(session, slug))
        screen.write()
    if written.archived:
        screen.write(text("cli.drill.archived", file=short_path(written.archived)))
    tell_written(session, written)
    if absent := missing(session.entries[slug].needs):
        session.err.write(paragraph(session.err, needs.warning(absent)))


def tell_written(session: Session, written: Written) -> None:
    """Say which attempt there is now, and the next command; in one line where it fits."""
    key = "cli.drill.resumed" if written.resumed else "cli.drill.wrote"
    done = text(key, file=short_path(written.path), level=text(f"cli.level.{written.level}"))
    then = text("cli.drill.then", command="thinkllm check")
    screen = session.out
    fits = not screen.is_terminal or width(done) + 1 + width(then) <= screen.width
    gap = "\n" if not fits else "" if current() == "zh" else " "
    screen.write(f"{done}{gap}{then}")
    if written.review:
        screen.write(paragraph(screen, text("cli.drill.review", level=text(f"cli.level.{written.level}"))))
        screen.write("  " + screen.paint(f"thinkllm drill {written.slug} --fresh --level cloze", "code"))
