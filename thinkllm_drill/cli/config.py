"""`thinkllm config`: the settings, where each came from, and setting one."""

from __future__ import annotations

from typing import Annotated

import typer

from thinkllm_drill.cli.framework import Verb, verb_group
from thinkllm_drill.cli.output import table
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import text

app = verb_group()


@app.callback()
def alone(ctx: typer.Context) -> int:
    """Without a verb, as with `list`."""
    return list_(ctx) if ctx.invoked_subcommand is None else 0


def _keys(incomplete: str) -> list[str]:
    from thinkllm_drill.settings import SPECS

    return [key for key in SPECS if key.startswith(incomplete)]


@app.command("list", cls=Verb)
def list_(ctx: typer.Context) -> int:
    """Show every setting, its value and where that came from."""
    session = Session.of(ctx)
    settings = session.lenient_settings
    rows = settings.describe()
    if session.json:
        values = [
            {"key": row.key, "value": row.value, "origin": str(row.origin), "choices": row.choices, "about": row.about}
            for row in rows
        ]
        session.emit({"settings": values, "file": str(settings.config_file)})
    else:
        shown = [(row.key, row.value or "-", str(row.origin), row.about) for row in rows]
        styles = [["bold", "", "dim", "dim"]] * len(shown)
        for line in table(session.out, shown, styles=styles, flexible=3):
            session.out.write(line)
        session.out.write()
        session.out.write(session.out.paint(short_path(settings.config_file), "dim"))
    for problem in settings.problems:
        session.err.write(problem.message)
    return 0


@app.command("get", cls=Verb)
def get(ctx: typer.Context, key: Annotated[str, typer.Argument(metavar="KEY", autocompletion=_keys)]) -> int:
    """Show the value of one setting."""
    session = Session.of(ctx)
    value = session.lenient_settings.get(key)
    if session.json:
        session.emit({"key": key, "value": value, "origin": str(session.lenient_settings.origin(key))})
    else:
        session.out.write(value)
    return 0


@app.command("set", cls=Verb)
def set_(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", autocompletion=_keys)],
    value: Annotated[str, typer.Argument(metavar="VALUE")],
) -> int:
    """Write one setting to config.toml."""
    from thinkllm_drill.settings import set_value

    session = Session.of(ctx)
    file = set_value(session.lenient_settings.home, key, value)
    session.__dict__.pop("lenient_settings", None)
    settings = session.lenient_settings
    if session.json:
        session.emit({"key": key, "value": settings.get(key), "file": str(file)})
        return 0
    session.out.write(text("cli.config.wrote", key=key, value=value, file=short_path(file)))
    origin = settings.origin(key)
    if origin.kind in ("environment", "flag"):
        session.err.write(text("cli.config.overridden", key=key, origin=str(origin), value=settings.get(key)))
    return 0
