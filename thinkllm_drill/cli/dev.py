"""`thinkllm dev`: the author's kit. English only, as authors read it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.framework import Verb, VerbGroup
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session

if TYPE_CHECKING:
    from thinkllm_drill.author.check import Report
    from thinkllm_drill.verdict import Verdict

app = typer.Typer(
    cls=VerbGroup,
    subcommand_metavar="[VERB …]",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)

_Slugs = Annotated[
    list[str] | None,
    typer.Argument(metavar="SLUG", autocompletion=completion.slugs, help="The exercises; all of them by default."),
]
_BAR_AFTER = 2.0
_BAR_WIDTH = 24


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
    slugs: _Slugs = None,
    static: Annotated[bool, typer.Option("--static", help="Read the files only; grade nothing.")] = False,
) -> int:
    """Look for problems in exercises; exits 1 if there are any."""
    from thinkllm_drill.author import check as author

    session = Session.of(ctx)
    wanted = _wanted(session, slugs)
    bar = _Bar(session, len(wanted))
    graded = {} if static else _graders(bar)
    reports: list[Report] = []
    for slug in wanted:
        bar.begin(slug)
        reports += author.check(session.library, [slug], **graded)
    bar.end()
    problems = sum(len(report.problems) for report in reports)
    if session.json:
        session.emit({"exercises": [_json(report) for report in reports]})
    else:
        for report in reports:
            for problem in report.problems:
                session.out.write(_line(problem))
            for note in report.notes:
                session.err.write(f"{report.slug}: {note}")
        session.err.write(f"{_count(len(reports), 'exercise')}, {_count(problems, 'problem')}")
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
        session.err.write(f"{_count(len(paths), 'stub')} {'drifted' if check_only else 'written'}")
    return 1 if check_only and paths else 0


def _wanted(session: Session, slugs: list[str] | None) -> list[str]:
    return [session.library.resolve(name) for name in slugs] if slugs else session.library.slugs()


def _graders(bar: _Bar) -> dict[str, Callable[..., Any]]:
    """How `dev check` grades: by the judge, and examples in a child process."""
    from thinkllm_drill.judge.authoring import grade, run_example

    def told(slug: str, label: str, source: bytes) -> Verdict:
        bar.show(label)
        return grade(slug, label, source)

    return {"grade": told, "run_example": run_example}


class _Bar:
    """Tells on a terminal how far a long check is, once it takes longer than two seconds."""

    def __init__(self, session: Session, total: int) -> None:
        self.screen = session.err
        self.total = total
        self.done = -1
        self.slug = ""
        self.began = time.monotonic()

    def begin(self, slug: str) -> None:
        """One more exercise."""
        self.done += 1
        self.slug = slug
        self.show("")

    def show(self, label: str) -> None:
        """What of it is being looked at."""
        if time.monotonic() - self.began > _BAR_AFTER:
            filled = _BAR_WIDTH * self.done // self.total
            bar = "#" * filled + "." * (_BAR_WIDTH - filled)
            self.screen.transient(f"[{bar}] {self.done}/{self.total}  {self.slug}  {label}")

    def end(self) -> None:
        """Take it away."""
        self.screen.clear()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


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
