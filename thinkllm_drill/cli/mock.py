"""`thinkllm mock`: interviews against the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from thinkllm_drill.cli import completion, mock_json, mock_show
from thinkllm_drill.cli.framework import Verb, verb_group
from thinkllm_drill.cli.interview import asked, conclude, get_ready, interviewer, keep
from thinkllm_drill.cli.output import ask, can_ask
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import UsageError
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Interviewer
    from thinkllm_drill.interview.model import Interview

Slug = Annotated[str | None, typer.Argument(metavar="SLUG", autocompletion=completion.slugs)]

app = verb_group()


@app.callback()
def alone(ctx: typer.Context) -> int:
    """Without a verb: the full-screen view of the interview that runs; without a terminal its status."""
    if ctx.invoked_subcommand is not None:
        return 0
    from thinkllm_drill.cli import mock_view

    session = Session.of(ctx)
    desk = interviewer(session)
    interview = desk.unfinished() if session.has_progress else None
    if mock_view.available(session):
        last = next(reversed(desk.all().values()), None)
        return mock_view.open_view(session, desk, interview or (last if last and not last.graded else None))
    if interview is None or interview.finished_at is not None:
        from thinkllm_drill.cli.help import page

        session.out.write(page(ctx.command, ctx))
        return 0
    return _status(session, desk, interview)


def _profiles(incomplete: str) -> list[str]:
    from thinkllm_drill.content.library import Library
    from thinkllm_drill.interview import profiles

    return [name for name in profiles.read(Library.open().root) if name.startswith(incomplete)]


@app.command("start", cls=Verb)
def start(
    ctx: typer.Context,
    minutes: Annotated[int, typer.Option("--minutes", "-m", metavar="N")] = 45,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", autocompletion=_profiles)] = None,
    topics: Annotated[list[str] | None, typer.Option("--topics", "--topic", autocompletion=completion.topics)] = None,
    difficulty: Annotated[list[str] | None, typer.Option("--difficulty")] = None,
    count: Annotated[int | None, typer.Option("--count", metavar="N")] = None,
    exercises: Annotated[
        list[str] | None, typer.Option("--exercises", metavar="SLUG,…", autocompletion=completion.slugs)
    ] = None,
    runs: Annotated[int, typer.Option("--runs", metavar="N")] = 3,
    seed: Annotated[str | None, typer.Option("--seed", metavar="TEXT")] = None,
    view: Annotated[bool, typer.Option("--view", "-v")] = False,
) -> int:
    """Begin an interview."""
    from thinkllm_drill.interview.picker import Wishes

    session = Session.of(ctx)
    named = [session.library.resolve(slug) for slug in _listed(exercises)]
    wishes = Wishes(
        minutes=minutes,
        profile=_profile(session, profile),
        topics=_topics(session, _listed(topics)),
        difficulties=_difficulties(_listed(difficulty)),
        count=_count(count),
        exercises=tuple(named),
        seed=seed or "",
    )
    desk = interviewer(session)
    interview = desk.start(wishes, runs=runs)
    keep(session, interview)
    get_ready(session, interview)
    if session.json:
        session.emit(mock_json.started(interview))
    else:
        mock_show.begun(session, interview)
    mock_show.remarks(session, interview, [slug for slug in dict.fromkeys(named) if named.count(slug) > 1])
    if view:
        from thinkllm_drill.cli import mock_view

        if mock_view.available(session):
            return mock_view.open_view(session, desk, interview)
    return 0


@app.command("status", cls=Verb)
def status(ctx: typer.Context) -> int:
    """Show the time left, the problems and what they wait for."""
    session = Session.of(ctx)
    desk = interviewer(session)
    return _status(session, desk, desk.running())


@app.command("check", cls=Verb)
def check(ctx: typer.Context, slug: Slug = None) -> int:
    """Grade a problem: passed or not, and how many checks fail; takes one of its runs."""
    session = Session.of(ctx)
    desk = interviewer(session)
    id_ = desk.running().id
    checked = desk.run(session.library.resolve(slug) if slug is not None else None)
    interview = desk.get(id_)  # its time may have run out meanwhile
    if session.json:
        session.emit(mock_json.run_json(checked, interview))
    else:
        mock_show.run_told(session, checked, interview)
    return checked.run.verdict.exit_code


@app.command("submit", cls=Verb)
def submit(
    ctx: typer.Context,
    slug: Slug = None,
    no_questions: Annotated[bool, typer.Option("--no-questions")] = False,
) -> int:
    """Hand in a problem for good, and answer what is asked about it."""
    session = Session.of(ctx)
    desk = interviewer(session)
    id_ = desk.running().id
    done = desk.submit(session.library.resolve(slug) if slug is not None else None)
    verdict = done.problem.verdict
    assert verdict is not None
    interview = desk.sync(desk.get(id_))  # its time may have run out meanwhile
    if session.json:
        session.emit(mock_json.submitted_json(done, desk.pending(interview)))
        return verdict.exit_code
    mock_show.submitted(session, done)
    if interview.finished_at is not None:
        session.out.write(text("mock.over_ungraded", id=id_))
        _conclude(session, desk, interview)
        return verdict.exit_code
    if not no_questions and can_ask(session):
        _ask_all(session, desk)
    _finish_if_done(session, desk)
    return verdict.exit_code


@app.command("next", cls=Verb)
def next_(ctx: typer.Context, slug: Slug = None) -> int:
    """Turn to the next open problem, or to the one named; the time counts for it from now on."""
    session = Session.of(ctx)
    desk = interviewer(session)
    problem = desk.focus(session.library.resolve(slug) if slug is not None else None)
    if session.json:
        session.emit({"slug": problem.slug, "file": problem.file})
    else:
        session.out.write(text("mock.now_on", title=session.entries[problem.slug].here, file=short_path(problem.file)))
    return 0


@app.command("answer", cls=Verb)
def answer(
    ctx: typer.Context,
    given: Annotated[str | None, typer.Argument(metavar="ANSWER")] = None,
) -> int:
    """Answer the question that waits; without an answer, show it."""
    session = Session.of(ctx)
    desk = interviewer(session)
    waiting = desk.pending(desk.running())
    if not waiting:
        raise UsageError(text("mock.no_question"), hint="thinkllm mock status")
    problem, question = waiting[0]
    if given is None and can_ask(session) and not session.json:
        _ask_all(session, desk)
    elif given is None:
        desk.ask(problem.slug, question)
        if session.json:
            session.emit({"slug": problem.slug, "question": question.id, "ask": question.ask.here})
        else:
            mock_show.question(session, question)
        return 0
    else:
        recorded = desk.answer(problem.slug, question, given)
        if session.json:
            session.emit({"slug": problem.slug, "question": question.id, "recorded": recorded.given})
        else:
            session.out.write(text("mock.answer_recorded"))
    _finish_if_done(session, desk)
    return 0


@app.command("restore", cls=Verb)
def restore(ctx: typer.Context, slug: Slug = None) -> int:
    """Write a deleted file again, as it was last seen."""
    session = Session.of(ctx)
    path = interviewer(session).restore(session.library.resolve(slug) if slug is not None else None)
    if session.json:
        session.emit({"file": str(path)})
    else:
        session.out.write(text("mock.restored", file=short_path(path)))
    return 0


@app.command("finish", cls=Verb)
def finish(ctx: typer.Context, yes: Annotated[bool, typer.Option("--yes", "-y")] = False) -> int:
    """End the interview, grade what is there and show the result."""
    session = Session.of(ctx)
    desk = interviewer(session)
    interview = desk.unfinished()
    if interview is None:
        interview = next((each for each in reversed(desk.all().values()) if not each.graded), None) or desk.running()
    if interview.finished_at is None:
        left = mock_show.clock(interview.remaining(desk.now()))
        if not yes and can_ask(session) and not ask(session, text("mock.really", left=left)):
            session.err.write(text("mock.goes_on"))
            return 1
        interview = desk.finish()
    return _conclude(session, desk, interview)


@app.command("report", cls=Verb)
def report(
    ctx: typer.Context,
    id_: Annotated[str | None, typer.Argument(metavar="ID")] = None,
    open_: Annotated[bool, typer.Option("--open")] = False,
) -> int:
    """Write the report of an interview as one HTML file and show its summary; of the last one by default."""
    session = Session.of(ctx)
    desk = interviewer(session)
    desk.unfinished()
    interview = desk.get(id_) if id_ is not None else next(reversed(desk.all().values()), None) or desk.running()
    if interview.finished_at is None:
        raise UsageError(text("mock.not_over", id=interview.id), hint="thinkllm mock finish")
    if asked(session).keys() & {problem.slug for problem in interview.problems}:
        raise UsageError(text("mock.report_refused", id=interview.id), hint="thinkllm mock status")
    return _conclude(session, desk, interview, open_=open_)


@app.command("list", cls=Verb)
def list_(ctx: typer.Context) -> int:
    """Show all interviews with their scores."""
    session = Session.of(ctx)
    desk = interviewer(session)
    desk.unfinished()
    mock_show.listed(session, desk)
    return 0


@app.command("profiles", cls=Verb)
def profiles_(ctx: typer.Context) -> int:
    """Show the kinds of interview."""
    from thinkllm_drill.interview import profiles

    session = Session.of(ctx)
    mock_show.profiles(session, profiles.read(session.library.root).values())
    return 0


# what the verbs share


def _status(session: Session, desk: Interviewer, interview: Interview) -> int:
    keep(session, interview)
    if session.json:
        session.emit(mock_json.status_json(interview, desk))
    else:
        mock_show.status(session, interview, desk)
    return 0


def _ask_all(session: Session, desk: Interviewer) -> None:
    """Ask what waits, one question after another; an interruption leaves the rest for later."""
    interview = desk.running()
    for problem, question in desk.pending(interview):
        desk.ask(problem.slug, question)
        mock_show.question(session, question)
        try:
            given = _prompt(session)
            while given is not None and (why := desk.unreadable(question, given)) is not None:
                session.out.write(why)
                given = _prompt(session)
        except KeyboardInterrupt:
            desk.put_off()
            raise
        if given is None:
            desk.put_off()
            session.err.write(text("mock.answer_later"))
            return
        desk.answer(problem.slug, question, given)
        session.out.write(text("mock.answer_recorded" if given.strip() else "mock.answer_passed_by"))


def _prompt(session: Session) -> str | None:
    session.err.write(text("mock.prompt"), end="")
    try:
        return input()
    except EOFError:
        session.err.write()
        return None


def _finish_if_done(session: Session, desk: Interviewer) -> None:
    """End an interview in which nothing is left to do; else say what comes next."""
    if (ended := desk.finish_if_done()) is not None:
        _conclude(session, desk, ended)
    elif not session.json:
        interview = desk.running()
        if interview.focus is not None:
            mock_show.coming(session, interview, desk)
        else:
            session.out.write(text("mock.questions_wait"))


def _conclude(session: Session, desk: Interviewer, interview: Interview, *, open_: bool = False) -> int:
    """Grade what is not graded, write the report and show the summary."""

    def told(slug: str) -> None:
        if not session.json:
            session.err.write(text("mock.grading", title=session.entries[slug].here))

    outcome, path = conclude(session, desk, interview, told)
    if session.json:
        session.emit(mock_json.result_json(outcome, path))
    else:
        mock_show.result(session, outcome, path)
    if open_:
        import webbrowser

        webbrowser.open(path.as_uri())
    return 0


def _listed(values: list[str] | None) -> list[str]:
    """Values given one by one or with commas."""
    return [part.strip() for value in values or [] for part in value.split(",") if part.strip()]


def _profile(session: Session, name: str | None) -> Any:
    if name is None:
        return None
    from thinkllm_drill.interview import profiles

    known = profiles.read(session.library.root)
    if name not in known:
        raise UsageError(text("mock.no_profile", name=name, names=", ".join(known)), hint="thinkllm mock profiles")
    return known[name]


def _topics(session: Session, names: list[str]) -> tuple[str, ...]:
    from thinkllm_drill.cli.list_ import known_topic

    return tuple(known_topic(list(session.entries.values()), name) for name in names)


def _difficulties(names: list[str]) -> tuple[Literal["easy", "medium", "hard"], ...]:
    for name in names:
        if name not in ("easy", "medium", "hard"):
            raise UsageError(text("mock.no_difficulty", name=name), hint="thinkllm mock start --difficulty easy,medium")
    return tuple(names)  # type: ignore[arg-type]


def _count(count: int | None) -> int | None:
    if count is not None and count < 1:
        raise UsageError(text("mock.no_count"), hint="thinkllm mock start --count 2")
    return count
