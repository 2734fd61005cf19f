"""`thinkllm service`: the warm background process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from thinkllm_drill.cli.framework import Verb, verb_group
from thinkllm_drill.cli.output import duration, table
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.judge.daemon import ServiceStatus

app = verb_group()


@app.callback()
def alone(ctx: typer.Context) -> int:
    """Without a verb, as with `status`."""
    return status(ctx) if ctx.invoked_subcommand is None else 0


@app.command("status", cls=Verb)
def status(ctx: typer.Context) -> int:
    """Show whether it runs, since when and how much memory it takes."""
    from thinkllm_drill.judge.daemon import service_status

    session = Session.of(ctx)
    found, kernels = service_status(), service_status(kernels=True)
    started = _instant(found.started_at)
    if session.json:
        values = {name: getattr(found, name) for name in ("running", "pid", "key", "resident_bytes")}
        socket = None if found.socket is None else str(found.socket)
        beside = {"pid": kernels.pid, "resident_bytes": kernels.resident_bytes} if kernels.running else None
        at = started.isoformat() if started else None
        session.emit({**values, "started_at": at, "socket": socket, "kernels": beside})
        return 0
    if not found.running and not kernels.running:
        session.out.write(text("cli.service.stopped"))
        return 0
    if found.running:
        _show(session, found)
    if kernels.running:
        session.out.write(text("cli.service.kernels"))
        _show(session, kernels)
    return 0


def _show(session: Session, found: ServiceStatus) -> None:
    """A line for each thing known of a service that runs."""
    started = _instant(found.started_at)
    rows = [(text("cli.service.running"), text("cli.service.pid", pid=found.pid))]
    if started is not None:
        since = (datetime.now(UTC) - started).total_seconds()
        rows.append((text("cli.service.since"), duration(since)))
    if found.resident_bytes is not None:
        rows.append((text("cli.service.memory"), f"{found.resident_bytes / 2**20:.0f} MiB"))
    rows.append((text("cli.service.socket"), str(found.socket)))
    for line in table(session.out, rows):
        session.out.write(line)


@app.command("stop", cls=Verb)
def stop(ctx: typer.Context) -> int:
    """Stop it; the next check starts a new one."""
    from thinkllm_drill.judge.daemon import stop_service

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
