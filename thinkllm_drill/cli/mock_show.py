"""How an interview is told in plain lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from thinkllm_drill.cli.cells import visible
from thinkllm_drill.cli.output import count, paragraph, table
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.interview import score
from thinkllm_drill.locale import current, text

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Checked, Interviewer, Submitted
    from thinkllm_drill.interview.model import Interview, Problem, Run
    from thinkllm_drill.interview.profiles import Profile
    from thinkllm_drill.interview.questions import Question
    from thinkllm_drill.interview.result import Result


def clock(seconds: float) -> str:
    """Seconds as 1:02:03 or 12:05."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def state(interview: Interview, problem: Problem) -> str:
    """What became of a problem so far: handed in and passed or not, passed by a run, begun, not begun."""
    if problem.submitted_at is not None:
        passed = problem.verdict is not None and problem.verdict.passed
        return "submitted_passed" if passed else "submitted_failed"
    runs = [run for run in problem.runs if run.counts]
    if runs:
        return "run_passed" if runs[-1].verdict.passed else "run_failed"
    return "begun" if problem.saves else "open"


SYMBOLS = {"submitted_passed": "ok", "run_passed": "ok", "submitted_failed": "bad", "run_failed": "bad"}


# plain lines


def begun(session: Session, interview: Interview) -> None:
    """Tell that an interview began, its problems and its rules."""
    screen = session.out
    minutes = count("minutes", interview.minutes)
    until = time_of(interview.deadline, interview.started_at)
    screen.write(text("mock.begun", id=interview.id, minutes=minutes, until=until))
    screen.write()
    _problems(session, interview, None)
    screen.write()
    screen.write(paragraph(screen, text("mock.rules", runs=count("runs", interview.runs))))
    screen.write(text("mock.seed", seed=interview.seed))
    screen.write()
    first = interview.problems[0]
    for label, command in (
        ("mock.to_read", f"thinkllm show {first.slug}"),
        ("mock.to_check", "thinkllm mock check"),
        ("mock.to_submit", "thinkllm mock submit"),
        ("mock.to_watch", "thinkllm mock"),
    ):
        screen.write(f"  {screen.paint(command, 'code')}  {text(label)}")


def remarks(session: Session, interview: Interview, repeated: list[str]) -> None:
    """Tell what is odd about the exercises that were wished for: named twice, or too many for the clock."""
    if repeated:
        session.err.write(text("mock.asked_once", slugs=", ".join(repeated)))
    planned = sum(problem.minutes for problem in interview.problems)
    if planned > interview.minutes:
        minutes = count("minutes", interview.minutes)
        session.err.write(text("mock.more_than_fits", planned=count("minutes", planned), minutes=minutes))


def status(session: Session, interview: Interview, desk: Interviewer) -> None:
    """Tell how an interview stands."""
    screen, wall = session.out, desk.now()
    until = time_of(interview.deadline, wall)
    screen.write(text("mock.left", left=clock(interview.remaining(wall)), until=until, id=interview.id))
    if interview.clock_back:
        screen.write(paragraph(screen, text("mock.clock_back", back=clock(interview.clock_back))))
    screen.write()
    _problems(session, interview, wall)
    screen.write()
    coming(session, interview, desk)


def coming(session: Session, interview: Interview, desk: Interviewer) -> None:
    """Tell what can be done next."""
    screen = session.out
    waiting = desk.pending(interview)
    if waiting:
        screen.write(
            text("mock.question_waits", count=len(waiting)) + " " + screen.paint("thinkllm mock answer", "code")
        )
    if interview.focus is not None:
        problem = interview.problem(interview.focus)
        title = session.entries[problem.slug].here
        screen.write(text("mock.now_on", title=title, file=short_path(problem.file)))


def _problems(session: Session, interview: Interview, wall: datetime | None) -> None:
    screen = session.out
    rows, styles = [], []
    for problem in interview.problems:
        how = state(interview, problem)
        spent = clock(interview.seconds(problem.slug, wall)) if wall else ""
        left = f"{problem.runs_taken}/{interview.runs}" if wall else ""
        here = ">" if problem.slug == interview.focus else " "
        minutes = count("minutes", problem.minutes)
        rows.append([here, _symbol(session, how), problem.slug, text(f"mock.state.{how}"), minutes, spent, left])
        styles.append(["", SYMBOLS.get(how, ""), "bold", "", "dim", "dim", "dim"])
    if wall:
        heads = [
            "",
            "",
            text("mock.head.problem"),
            "",
            text("mock.head.planned"),
            text("mock.head.spent"),
            text("mock.head.runs"),
        ]
        rows, styles = [heads, *rows], [["dim"] * 7, *styles]
    for line in table(screen, rows, styles=styles):
        screen.write(line)
    if wall is None:
        for problem in interview.problems:
            screen.write(f"  {short_path(problem.file)}")


def _symbol(session: Session, how: str) -> str:
    return session.out.symbol(SYMBOLS[how]) if how in SYMBOLS else " "


def run_told(session: Session, checked: Checked, interview: Interview) -> None:
    """Tell what a run found, and nothing of why."""
    run = checked.run
    screen, verdict = session.out, run.verdict
    problem = next(each for each in interview.problems if run in each.runs)
    words = paragraph(screen, run_words(run))
    if verdict.passed:
        screen.write(screen.paint(f"{screen.symbol('ok')} {words}", "ok"))
        screen.write(text("mock.run.then", command="thinkllm mock submit"))
    elif verdict.status in ("internal", "unavailable"):
        screen.write(words)
    else:
        screen.write(screen.paint(f"{screen.symbol('bad')} {words}", "bad"))
    screen.write(run_cost(checked, interview.runs - problem.runs_taken))


def run_cost(checked: Checked, left: int) -> str:
    """Whether a check took a run, and how many are left, in words."""
    key = "same" if checked.repeated else "left" if checked.run.counts else "free"
    return text(f"mock.run.{key}", left=runs_left(left))


def runs_left(number: int) -> str:
    """How many runs are left, in words."""
    form = {0: "none", 1: "one"}.get(number, "many")
    return text(f"mock.runs_left.{form}", count=number)


def run_words(run: Run) -> str:
    """What a run found in words, and nothing of why."""
    verdict = run.verdict
    note = f"\n{visible(verdict.note)}" if verdict.note else ""
    if verdict.passed:
        return text("mock.run.passed")
    if verdict.status in ("internal", "unavailable"):
        return text("mock.run.ungraded") + note
    if not run.counts:
        return _unfit(run)
    return text("mock.run.failed", failing=verdict.failing, total=len(verdict.checks)) + note


def _unfit(run: Run) -> str:
    """Why nothing could be graded: Python cannot read the file, or nothing is written."""
    cause = run.verdict.failure.cause if run.verdict.failure else None
    if cause is None:
        return visible(run.verdict.note or text("mock.run.unfit"))
    line = f" ({text('mock.run.line', line=cause.frames[-1].line)})" if cause.frames else ""
    return visible(cause.message.split("\n")[0]) + line


def submitted(session: Session, done: Submitted) -> None:
    """Tell what a submission came to, and what the interviewer goes on to."""
    screen, verdict = session.out, done.problem.verdict
    assert verdict is not None
    if verdict.passed:
        screen.write(screen.paint(f"{screen.symbol('ok')} {text('mock.submit.passed')}", "ok"))
    else:
        words = text("mock.submit.failed", failing=verdict.failing, total=len(verdict.checks))
        screen.write(screen.paint(f"{screen.symbol('bad')} {words}", "bad"))
    if done.extra is not None:
        entry = session.entries[done.extra.slug]
        screen.write(text("mock.submit.extra", title=entry.here, file=short_path(done.extra.file)))


def question(session: Session, asked: Question) -> None:
    """Show a question."""
    session.out.write()
    session.out.write(paragraph(session.out, asked.ask.here))


def result(session: Session, outcome: Result, path: Path) -> None:
    """Show what an interview came to."""
    screen = session.out
    screen.write()
    head = text("mock.result.head", id=outcome.id, score=f"{outcome.score:g}")
    screen.write(screen.paint(head, "title") + " · " + text(f"mock.reason.{outcome.reason}"))
    screen.write()
    rows = [
        [
            screen.symbol("ok" if each.outcome == "passed" else "bad"),
            each.slug,
            text(f"mock.outcome.{'emptied' if each.emptied else each.outcome}"),
            f"{100 * each.share:.0f} %",
            f"{clock(each.seconds)} / {each.minutes}:00",
            count("runs", each.runs),
        ]
        for each in outcome.problems
    ]
    styles = [["ok" if each.outcome == "passed" else "bad", "bold", "", "", "dim", "dim"] for each in outcome.problems]
    for line in table(screen, rows, styles=styles, numbers=(3,)):
        screen.write(line)
    if outcome.question_seconds >= 1:
        screen.write(paragraph(screen, text("mock.result.questions", spent=clock(outcome.question_seconds))))
    screen.write()
    screen.write(text("mock.result.rubric"))
    for part in outcome.parts:
        points = (
            f"{part.points:g} / {part.out_of:g}"
            if part.out_of
            else f"+{part.points:g}"
            if part.name == "extra"
            else "–"
        )
        why = text(f"mock.rubric.{part.name}")
        screen.write(paragraph(screen, f"{text(f'mock.part.{part.name}')} {points} · {why}", indent=2))
    screen.write()
    for advice in outcome.advice:
        screen.write(paragraph(screen, visible(advice.says)))
        screen.write("  " + screen.paint(advice.command, "code"))
    screen.write()
    screen.write(text("mock.result.report", file=short_path(path)))


def listed(session: Session, desk: Interviewer) -> None:
    """Show all interviews."""
    interviews = list(desk.all().values())
    wall = desk.now()
    if session.json:
        from thinkllm_drill.cli.mock_json import row_json

        session.emit({"interviews": [row_json(interview, wall) for interview in interviews]})
        return
    if not interviews:
        session.out.write(text("mock.none") + "  " + session.out.paint("thinkllm mock start", "code"))
        return
    rows = [
        [
            interview.id,
            _date(interview.started_at),
            count("minutes", interview.minutes),
            interview.profile or "",
            _how(interview, wall),
            ", ".join(problem.slug for problem in interview.problems),
        ]
        for interview in interviews
    ]
    for line in table(session.out, rows, flexible=5):
        session.out.write(line)


def _how(interview: Interview, wall: datetime) -> str:
    if interview.running(wall):
        return text("mock.how.running", left=clock(interview.remaining(wall)))
    if not interview.graded:
        return text("mock.how.ungraded")
    return text("mock.how.score", score=f"{score.score(score.parts(interview)):g}")


def profiles(session: Session, every: Iterable[Profile]) -> None:
    """Show the kinds of interview."""
    if session.json:
        session.emit({"profiles": [asdict(profile) for profile in every]})
        return
    for profile in every:
        session.out.write(f"{session.out.paint(profile.name, 'bold')} · {profile.here}")
        session.out.write(paragraph(session.out, profile.about[current()], indent=2))


def time_of(at: datetime, wall: datetime) -> str:
    """A time of day, with the day where that is not the one of `wall`."""
    here = at.astimezone()
    return f"{here:%H:%M:%S}" if here.date() == wall.astimezone().date() else f"{here:%Y-%m-%d %H:%M:%S}"


def _date(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
