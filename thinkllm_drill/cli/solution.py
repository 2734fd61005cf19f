"""`thinkllm solution`: the reference, after a pass or after giving up."""

from __future__ import annotations

from typing import Annotated

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.cells import visible
from thinkllm_drill.cli.interview import refuse
from thinkllm_drill.cli.output import ask, can_ask, highlighted, page
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import UsageError
from thinkllm_drill.locale import text


def command(
    ctx: typer.Context,
    slug: Annotated[str | None, typer.Argument(metavar="SLUG", autocompletion=completion.slugs)] = None,
    give_up: Annotated[bool, typer.Option("--give-up")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y")] = False,
    diff: Annotated[bool, typer.Option("--diff")] = False,
    variants: Annotated[bool, typer.Option("--variants")] = False,
) -> int:
    """Show the reference."""
    session = Session.of(ctx)
    slug = session.slug(slug)
    if diff and variants:
        raise UsageError(text("cli.solution.diff_or_variants"), hint=f"thinkllm solution {slug} --diff")
    attempt = _attempt(session, slug) if diff else ""
    refuse(session, slug, "solution")
    given_up = _open(session, slug, give_up=give_up, yes=yes)
    if given_up is None:
        return 1
    reference = _reference(session, slug)
    others = _variants(session, slug) if variants else {}
    session.store.record("solution", slug, {"given_up": given_up})
    changes = _diff(session, slug, attempt, reference) if diff else []
    if session.json:
        extra: dict[str, object] = {"variants": others} if variants else {"diff": changes} if diff else {}
        session.emit({"slug": slug, "reference": reference, **extra})
    elif diff:
        _show_diff(session, changes)
    elif variants:
        page(session, "\n".join(_variant(session, name, code) for name, code in others.items()))
    else:
        page(session, highlighted(session.out, reference).rstrip("\n"))
    return 0


def _open(session: Session, slug: str, *, give_up: bool, yes: bool) -> bool | None:
    """Whether the learner gives up now to see it; None if he thinks better of it, UsageError if he may not see it."""
    status = session.statuses().get(slug)
    if status is not None and status.sees_reference:
        return False
    if not give_up:
        raise UsageError(text("cli.solution.refused", slug=slug), hint=f"thinkllm solution {slug} --give-up")
    if not yes and can_ask(session) and not ask(session, text("cli.solution.ask", slug=slug)):
        session.err.write(text("cli.solution.kept"))
        return None
    return True


def _reference(session: Session, slug: str) -> str:
    from thinkllm_drill.content.blanks import render

    return render(session.library.reference(slug), "bughunt", file=session.library.paths(slug).solution)


def _variants(session: Session, slug: str) -> dict[str, str]:
    """Right answers that are written differently, by name."""
    files = session.library.paths(slug).honest_files
    if not files:
        raise UsageError(text("cli.solution.no_variants", slug=slug), hint=f"thinkllm solution {slug}")
    return {path.name.split(".")[2].replace("_", "-"): path.read_text(encoding="utf-8") for path in files}


def _variant(session: Session, name: str, code: str) -> str:
    return f"{session.out.paint(f'# ── {name} ──', 'heading')}\n{highlighted(session.out, code)}"


def _attempt(session: Session, slug: str) -> str:
    """The code of the attempt without the task above it."""
    path = session.attempt_path(slug)
    if not path.exists():
        raise UsageError(text("cli.check.no_attempt", slug=slug), hint=f"thinkllm drill {slug}")
    from thinkllm_drill.content.attempt import code_of

    return code_of(session.workspace.read(path))


def _diff(session: Session, slug: str, attempt: str, reference: str) -> list[str]:
    """The lines that lead from the attempt to the reference."""
    from difflib import unified_diff

    names = short_path(session.attempt_path(slug)), text("cli.solution.reference")
    return list(unified_diff(attempt.splitlines(), reference.splitlines(), *names, lineterm="", n=3))


def _show_diff(session: Session, lines: list[str]) -> None:
    if not lines:
        session.out.write(text("cli.solution.same"))
        return
    styles = {"+": "added", "-": "removed", "@": "dim"}
    painted = (session.out.paint(visible(line), styles.get(line[:1], "")) for line in lines)
    page(session, "\n".join(painted))
