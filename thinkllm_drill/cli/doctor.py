"""`thinkllm doctor`: what works on this machine, what does not, what to do."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from thinkllm_drill import __version__
from thinkllm_drill.cli.cells import pad, visible, width, wrap_text
from thinkllm_drill.cli.output import hints
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import ThinkLLMError
from thinkllm_drill.locale import area, current, text

_EXAMPLE = ">>> 1 + 1\n2\n"
_PATIENCE = 30


@dataclass(frozen=True)
class Finding:
    """One fact about the machine: `ok` is None where something is only not there."""

    name: str
    ok: bool | None
    value: str
    advice: str | None = None


def command(ctx: typer.Context, quick: Annotated[bool, typer.Option("--quick")] = False) -> int:
    """Show what works, what does not and what to do."""
    session = Session.of(ctx)
    screen = session.out
    session.err.transient(text("cli.doctor.looking"))
    found = findings(session, grade=not quick)
    session.err.clear()
    healthy = all(finding.ok is not False for finding in found)
    if session.json:
        session.emit(to_json(found))
        return 0 if healthy else 3
    size = max(width(_label(finding)) for finding in found)
    for finding in found:
        for line in _lines(session, finding, size):
            screen.write(line)
    screen.write()
    screen.write(text("cli.doctor.healthy" if healthy else "cli.doctor.broken"))
    return 0 if healthy else 3


def findings(session: Session, *, grade: bool = True) -> list[Finding]:
    """Everything there is to know, the machine first.

    Args:
        grade: whether something is graded, to see that it works.
    """
    own = (_package, _home, _settings, _database, _content)
    found = [Finding("python", True, f"{sys.version.split()[0]} ({sys.executable})")]
    found += [_guarded(look, session) for look in own]
    names = {finding.name for finding in found}
    found += [finding for finding in _machine() if finding.name not in names]
    possible = all(finding.ok is not False for finding in found if finding.name in ("torch", "content", "judge"))
    return [*found, _grading(session)] if grade and possible else found


def to_json(found: Iterable[Finding]) -> dict[str, Any]:
    """The findings as `thinkllm doctor --json` gives them."""
    facts = [{"name": f.name, "ok": f.ok, "value": f.value, "advice": f.advice} for f in found]
    return {"ok": all(fact["ok"] is not False for fact in facts), "facts": facts}


def _machine() -> list[Finding]:
    """What the judge knows of the machine: torch, Triton, the GPU, the sandbox, the service."""
    try:
        from thinkllm_drill.judge.facts import facts

        return [Finding(fact.name, fact.ok, str(fact.value), fact.advice) for fact in facts()]
    except ThinkLLMError as error:
        return [Finding("judge", False, error.message, error.hint)]


def _grading(session: Session) -> Finding:
    """Whether a judge answers: the smallest example is run on a reference."""
    from thinkllm_drill.judge import client, daemon
    from thinkllm_drill.packages import missing

    slug = next((entry.slug for entry in session.entries.values() if not missing(entry.needs)), None)
    if slug is None:
        return Finding("grading", None, text("cli.doctor.nothing_to_grade"))
    service, root = session.lenient_settings.service, session.library.root
    began, problems = time.monotonic(), [text("cli.doctor.no_answer", seconds=_PATIENCE)]

    def run() -> None:
        try:
            problems[:] = client.run_example(slug, _EXAMPLE, root, service=service)
        except Exception as error:
            words = getattr(error, "message", "") or (f"{type(error).__name__}: {error}" if str(error) else "")
            problems[:] = [words or text("cli.doctor.gone")]

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if problems:
        log = daemon.log_file()
        advice = text("cli.check.log", file=short_path(log)) if log.exists() else None
        return Finding("grading", False, problems[0].strip().split("\n")[-1], advice)
    return Finding("grading", True, text("cli.doctor.grading", seconds=f"{time.monotonic() - began:.1f}"))


def _guarded(look: Callable[[Session], Finding], session: Session) -> Finding:
    try:
        return look(session)
    except ThinkLLMError as error:
        return Finding(look.__name__.strip("_"), False, error.message, error.hint)


def _package(session: Session) -> Finding:
    from thinkllm_drill.content.roots import PACKAGE

    return Finding("package", True, f"thinkllm-drill {__version__} ({short_path(PACKAGE)})")


def _home(session: Session) -> Finding:
    settings = session.lenient_settings
    if settings.home.exists():
        settings.ensure_home()
        return Finding("home", True, short_path(settings.home))
    return Finding("home", True, text("cli.doctor.home_new", path=short_path(settings.home)))


def _settings(session: Session) -> Finding:
    settings = session.lenient_settings
    if settings.problems:
        problem = settings.problems[0]
        return Finding("settings", False, problem.message, problem.hint)
    changed = [f"{row.key}={row.value}" for row in settings.describe() if row.origin.kind != "default" and row.value]
    return Finding("settings", True, ", ".join(changed) or text("cli.doctor.defaults"))


def _database(session: Session) -> Finding:
    from thinkllm_drill.progress.store import Store

    path = session.lenient_settings.database
    if not path.exists():
        return Finding("database", True, text("cli.doctor.database_new"))
    with Store.open(path) as store:
        events = len(store.events())
        notices = " ".join(store.notices)
    return Finding("database", True, notices or text("cli.doctor.database", path=short_path(path), events=events))


def _content(session: Session) -> Finding:
    entries = session.library.entries()
    path = short_path(session.library.root)
    if not entries:
        advice = text("content.root.missing_hint")
        return Finding("content", False, text("cli.doctor.content_empty", path=path), advice)
    return Finding("content", True, text("cli.doctor.content", path=path, count=len(entries)))


def _label(finding: Finding) -> str:
    return str(area("cli", current()).get(f"doctor.name.{finding.name}", finding.name))


def _lines(session: Session, finding: Finding, size: int) -> list[str]:
    screen = session.out
    name, style = {True: ("ok", "ok"), False: ("bad", "bad"), None: ("skip", "dim")}[finding.ok]
    widest = max(width(text(f"cli.doctor.{word}")) for word in ("ok", "bad", "skip"))
    mark = screen.paint(f"{screen.symbol(name)} {pad(text(f'cli.doctor.{name}'), widest)}", style)
    room = max(screen.text_width - size - widest - 6, 20)
    value = visible(finding.value) or "-"
    first, *more = wrap_text(value, room) if screen.is_terminal else [value]
    indent = " " * (size + widest + 6)
    lines = [f"{mark}  {screen.paint(pad(_label(finding), size), 'bold')}  {first}", *(indent + line for line in more)]
    if finding.advice and finding.ok is not True:
        lines += [indent + line for line in hints(screen, [visible(finding.advice)])]
    return lines
