"""`thinkllm dev`: the author's kit. English only, as authors read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.authoring import Bar, Slugs, count, wanted
from thinkllm_drill.cli.dev_measure import mutate, strength
from thinkllm_drill.cli.framework import Verb, verb_group
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session

if TYPE_CHECKING:
    from thinkllm_drill.author.check import Report
    from thinkllm_drill.author.graded import Graders
    from thinkllm_drill.judge.measured import Measured

app = verb_group()


@app.callback()
def alone(ctx: typer.Context) -> int:
    """Show the verbs."""
    if ctx.invoked_subcommand is None:
        from thinkllm_drill.cli.help import page

        Session.of(ctx).out.write(page(ctx.command, ctx))
    return 0


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
    slugs: Slugs = None,
    static: Annotated[bool, typer.Option("--static", help="Read the files only; grade nothing.")] = False,
) -> int:
    """Look for problems in exercises; exits 1 if there are any."""
    from thinkllm_drill.author import check as author
    from thinkllm_drill.judge.authoring import JUDGES

    session = Session.of(ctx)
    chosen = wanted(session, slugs)
    bar = Bar(session, len(chosen))
    several = len(chosen) > 1
    graders = None if static else _graders(bar, judges=1 if several else JUDGES)
    made = bar.each(chosen, lambda slug: author.check(session.library, slug, graders=graders), JUDGES if several else 1)
    reports = list(made)
    if not slugs:
        from thinkllm_drill.author import outline
        from thinkllm_drill.author.report import Report

        reports.append(Report("path and outlines", outline.check(session.library).problems))
    problems = sum(len(report.problems) for report in reports)
    if session.json:
        session.emit({"exercises": [_json(report) for report in reports]})
    else:
        for report in reports:
            for problem in report.problems:
                session.out.write(_line(problem))
            for note in report.notes:
                session.err.write(f"{report.slug}: {note}")
        session.err.write(f"{count(len(chosen), 'exercise')}, {count(problems, 'problem')}")
    return 1 if problems else 0


@app.command("render", cls=Verb)
def render(
    ctx: typer.Context,
    slugs: Slugs = None,
    check_only: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file drifted.")] = False,
) -> int:
    """Write the committed stubs from the references, and the READMEs' table of exercises."""
    from thinkllm_drill.author.render import render as author

    session = Session.of(ctx)
    paths = author(session.library, wanted(session, slugs), check_only=check_only)
    if session.json:
        session.emit({"files": [str(path) for path in paths]})
    else:
        for path in paths:
            session.out.write(short_path(path))
        session.err.write(f"{count(len(paths), 'file')} {'drifted' if check_only else 'written'}")
    return 1 if check_only and paths else 0


app.command("mutate", cls=Verb)(mutate)
app.command("strength", cls=Verb)(strength)


def _graders(bar: Bar, *, judges: int) -> Graders:
    """How `dev check` grades: by the judge, and examples in a child process."""
    from thinkllm_drill.author.graded import Graders
    from thinkllm_drill.judge import authoring

    def many(slug: str, sources: Sequence[tuple[str, str]]) -> list[Measured]:
        results: dict[int, Measured] = {}
        seed, texts = authoring.seed_of(slug, "check"), [source for _, source in sources]
        for result in authoring.measure(slug, texts, [seed], diagnose=True, judges=judges):
            results[result.source] = result
            bar.show(sources[result.source][0])
        return [results[index] for index in range(len(sources))]

    return Graders(authoring.grade, many, authoring.run_example)


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
