"""`thinkllm show`: the statement again."""

from __future__ import annotations

from typing import Annotated

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.output import facts, page
from thinkllm_drill.cli.session import Session


def command(
    ctx: typer.Context,
    slug: Annotated[str | None, typer.Argument(metavar="SLUG", autocompletion=completion.slugs)] = None,
) -> int:
    """Show the statement, in the pager if it is long."""
    session = Session.of(ctx)
    slug = session.slug(slug)
    if session.json:
        lang = session.settings.lang
        session.emit({"slug": slug, "lang": lang, "statement": _load(session, slug).text})
        return 0
    page(session, statement(session, slug))
    return 0


def statement(session: Session, slug: str) -> str:
    """The statement of an exercise as it is shown on standard output."""
    from thinkllm_drill.cli.markdown import render

    title, _, body = render(_load(session, slug).text, session.out).partition("\n")
    line = session.out.paint(facts(session.entries[slug]), "dim")
    return f"{title}\n{line}\n{body}"


def _load(session: Session, slug: str):  # type: ignore[no-untyped-def]
    from thinkllm_drill.content.statement import load

    lang = session.settings.lang
    return load(session.library.paths(slug).statement(lang), lang)
