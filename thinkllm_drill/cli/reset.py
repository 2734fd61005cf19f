"""`thinkllm reset`: a fresh attempt; the old file is archived."""

from __future__ import annotations

from typing import Annotated

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.drill import tell_written, write
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import UsageError
from thinkllm_drill.locale import text


def command(
    ctx: typer.Context,
    slug: Annotated[str, typer.Argument(metavar="SLUG", autocompletion=completion.slugs)],
) -> int:
    """Archive the attempt and write a fresh one."""
    session = Session.of(ctx)
    slug = session.library.resolve(slug)
    if not session.has_attempt(slug):
        raise UsageError(text("cli.check.no_attempt", slug=slug), hint=f"thinkllm drill {slug}")
    written = write(session, slug, fresh=True)
    file, archived = str(written.path), str(written.archived)
    if session.json:
        session.emit({"slug": slug, "file": file, "level": written.level, "archived": archived})
    else:
        session.out.write(text("cli.drill.archived", file=short_path(archived)))
        tell_written(session, written)
    payload = {"archived": archived, "file": file, "level": written.level, "seed": written.seed}
    session.store.record("reset", slug, payload)
    return 0
