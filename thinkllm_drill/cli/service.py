"""`thinkllm service`: the warm background process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import typer

from thinkllm_drill.cli.framework import Verb, VerbGroup
from thinkllm_drill.cli.output import duration, table
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import text

app = typer.Typer(
    cls=VerbGroup,
    subcommand_metavar="[VERB …]",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def alone(ctx: typer.Context) -> int:
    """Without a verb, as with `status`."""
    return status(ctx) if ctx.invoked_subcommand is None else 0


@app.command("status", cls=Verb)
def status(ctx: typer.Context) -> int:
    """Show whether it runs, since when and how much memory it takes."""
    from thinkllm_drill.judge.client import service_status

    session = Session.of(ctx)
    found = service_status()
    started = _instant(found.started_at)
    if session.json:
        values = {name: getattr(found, name) for name in ("running", "pid", "key", "resident_bytes")}
        socket = None if found.socket is None else str(found.socket)
        session.emit({**values, "started_at": started.isoformat() if started else None, "socket": socket})
        return 0
    if not found.running:
        session.out.write(text("cli.service.stopped"))
        return 0
    rows = [(text("cli.service.running"), text("cli.service.pid", pid=found.pid))]
    if started is not None:
        since = (datetime.now(UTC) - started).total_seconds()
        rows.append((text("cli.service.since"), duration(since)))
    if found.resident_bytes is not None:
        rows.append((text("cli.service.memory"), f"{found.resident_bytes / 2**20:.0f} MiB"))
    rows.append((text("cli.service.socket"), str(found.socket)))
    for line in table(session.out, rows):
        session.out.write(line)
    return 0


@app.command("stop", cls=Verb)
def stop(ctx: typer.Context) -> int:
    """Stop it; the next check starts a new one."""
    from thinkllm_drill.judge.client import stop_service

    session = Session.of(ctx)
    stopped = stop_service()
    if session.json:
        session.emit({"stopped": stopped})
    else:
        session.out.write(text("cli.service.now_stopped" if stopped else "cli.service.stopped"))
    return 0


def _instant(at: Any) -> datetime | None:
    """The time, whether it came as seconds since 1970, as text or as a time."""
    if at is None or isinstance(at, datetime):
        return at
    return datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at, UTC)
