"""`thinkllm dev`: the author's kit. English only, as authors read it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.framework import Verb, VerbGroup
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session

if TYPE_CHECKING:
    from thinkllm_drill.author.check import Report

app = typer.Typer(cls=VerbGroup, subcommand_metavar="VERB …", add_completion=False, rich_markup_mode=None)

_Slugs = Annotated[
    list[str] | None,
    typer.Argument(metavar="SLUG", autocompletion=completion.slugs, help="The exercises; all of them by default."),
]
_BAR_AFTER = 2.0
_BAR_WIDTH = 24


@app.command("new", cls=Verb)
def new(
    ctx: typer.Context,
    topic: Annotated[str, typer.Argument(metavar="TOPIC", autocompletion=completion.topics, help="The folder.")],
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="The name of the exercise.")],
    title: Annotated[str, typer.Option("--title", help="The title in English.")],
    title_zh: Annotated[str, typer.Option("--title-zh", help="The title in Chinese.")],
    kind: Annotated[
        Literal["function", "module", "object", "kernel"], typer.Option("--kind", help="What the learner writes.")
    ] = "function",
) -> int:
    """Write the skeleton of an exercise."""
    from thinkllm_drill.author.new import create

    session = Session.of(ctx)
    paths = create(session.library, topic, slug, title, title_zh, kind)
    if session.json:
        session.emit({"slug": slug, "files": [str(path) for path in paths]})
        return 0
    for path in paths:
        session.out.write(short_path(path))
    session.out.write(f"\nWrote {len(paths)} files. Then: thinkllm dev check {slug}")
    return 0


@app.command("check", cls=Verb)
def check(
    ctx: typer.Context,
    slugs: _Slugs = None,
    static: Annotated[bool, typer.Option("--static", help="Read the files only; grade nothing.")] = False,
) -> int:
    """Look for problems in exercises; exits 1 if there are any."""
    from thinkllm_drill.author import check as author

    session = Session.of(ctx)
    wanted = _wanted(session, slugs)
    graded = {} if static else _graders(session)
    reports: list[Report] = []
    for slug in _with_progress(session, wanted):
        reports += author.check(session.library, [slug], **graded)
    problems = sum(len(report.problems) for report in reports)
    if session.json:
        session.emit({"exercises": [_json(report) for report in reports]})
    else:
        for report in reports:
            for problem in report.problems:
                session.out.write(_line(problem))
        session.err.write(f"{len(reports)} exercises, {problems} problems")
    return 1 if problems else 0


@app.command("render", cls=Verb)
def render(
    ctx: typer.Context,
    slugs: _Slugs = None,
    check_only: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a stub drifted.")] = False,
) -> int:
    """Write the committed stubs from the references."""
    from thinkllm_drill.author.render import render as author

    session = Session.of(ctx)
    paths = author(session.library, _wanted(session, slugs), check_only=check_only)
    if session.json:
        session.emit({"files": [str(path) for path in paths]})
    else:
        for path in paths:
            session.out.write(short_path(path))
        session.err.write(f"{len(paths)} stubs {'drifted' if check_only else 'written'}")
    return 1 if check_only and paths else 0


def _wanted(session: Session, slugs: list[str] | None) -> list[str]:
    return [session.library.resolve(name) for name in slugs] if slugs else session.library.slugs()


def _graders(session: Session) -> dict[str, Callable[..., Any]]:
    """How `dev check` grades: by the judge, and examples in a child process."""
    from thinkllm_drill.judge import authoring

    return {"grade": authoring.grade, "run_example": authoring.run_example}


def _with_progress(session: Session, slugs: Iterable[str]) -> Iterable[str]:
    """The slugs, with a bar on a terminal once they take longer than two seconds."""
    slugs = list(slugs)
    began = time.monotonic()
    for number, slug in enumerate(slugs):
        if time.monotonic() - began > _BAR_AFTER:
            filled = _BAR_WIDTH * number // len(slugs)
            session.err.transient(f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {number}/{len(slugs)}  {slug}")
        yield slug
    session.err.clear()


def _line(problem: Any) -> str:
    place = str(problem.file) if problem.line is None else f"{problem.file}:{problem.line}"
    return f"{place}: {problem.message}"


def _json(report: Report) -> dict[str, Any]:
    return {
        "slug": report.slug,
        "ok": report.ok,
        "problems": [_line(problem) for problem in report.problems],
        "mistakes": list(report.mistakes),
        "honest": list(report.honest),
    }
