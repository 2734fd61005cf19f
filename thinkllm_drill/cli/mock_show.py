"""How an interview is told in plain lines, and in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkllm_drill.cli.cells import visible
from thinkllm_drill.cli.output import count, paragraph, table
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.interview import score
from thinkllm_drill.locale import current, text

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Interviewer, Submitted
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
    screen.write(text("mock.begun", id=interview.id, minutes=minutes, until=_time(interview.deadline)))
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


def status(session: Session, interview: Interview, desk: Interviewer) -> None:
    """Tell how an interview stands."""
    screen, wall = session.out, desk.now()
    screen.write(
        text("mock.left", left=clock(interview.remaining(wall)), until=_time(interview.deadline), id=interview.id)
    )
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


def run_told(session: Session, run: Run, interview: Interview) -> None:
    """Tell what a run found, and nothing of why."""
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
    left = runs_left(interview.runs - problem.runs_taken)
    screen.write(text("mock.run.left" if run.counts else "mock.run.free", left=left))


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
            text(f"mock.outcome.{each.outcome}"),
            f"{100 * each.share:.0f} %",
            f"{clock(each.seconds)} / {each.minutes}:00",
            count("runs", each.runs),
        ]
        for each in outcome.problems
    ]
    styles = [["ok" if each.outcome == "passed" else "bad", "bold", "", "", "dim", "dim"] for each in outcome.problems]
    for line in table(screen, rows, styles=styles, numbers=(3,)):
        screen.write(line)
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
        session.emit({"interviews": [_row_json(interview, wall) for interview in interviews]})
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


def _time(at: datetime) -> str:
    return f"{at.astimezone():%H:%M:%S}"


def _date(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


# JSON


def started(interview: Interview) -> dict[str, Any]:
    """The object of `mock start --json`."""
    problems = [{"slug": each.slug, "file": each.file, "minutes": each.minutes} for each in interview.problems]
    return {
        "id": interview.id,
        "deadline": interview.deadline.isoformat(),
        "seed": interview.seed,
        "minutes": interview.minutes,
        "runs": interview.runs,
        "problems": problems,
    }


def status_json(interview: Interview, desk: Interviewer) -> dict[str, Any]:
    """The object of `mock status --json`."""
    wall = desk.now()
    problems = [
        {
            "slug": problem.slug,
            "file": problem.file,
            "minutes": problem.minutes,
            "state": state(interview, problem),
            "seconds": round(interview.seconds(problem.slug, wall), 1),
            "runs_left": interview.runs - problem.runs_taken,
            "follows": problem.follows,
        }
        for problem in interview.problems
    ]
    waiting = [
        {"slug": problem.slug, "question": each.id, "ask": each.ask.here} for problem, each in desk.pending(interview)
    ]
    return {
        **started(interview),
        "running": interview.running(wall),
        "seconds_left": round(interview.remaining(wall), 1),
        "focus": interview.focus,
        "problems": problems,
        "questions": waiting,
        "clock_back": interview.clock_back,
    }


def run_json(run: Run, interview: Interview) -> dict[str, Any]:
    """The object of `mock check --json`: no check by its name, no cause, no diagnosis."""
    problem = next(each for each in interview.problems if run in each.runs)
    return {
        "slug": problem.slug,
        "passed": run.verdict.passed,
        "status": run.verdict.status,
        "failing": run.verdict.failing,
        "checks": len(run.verdict.checks),
        "counted": run.counts,
        "runs_left": interview.runs - problem.runs_taken,
    }


def submitted_json(done: Submitted, waiting: list[tuple[Problem, Question]]) -> dict[str, Any]:
    """The object of `mock submit --json`."""
    verdict = done.problem.verdict
    assert verdict is not None
    return {
        "slug": done.problem.slug,
        "passed": verdict.passed,
        "status": verdict.status,
        "failing": verdict.failing,
        "checks": len(verdict.checks),
        "extra": {"slug": done.extra.slug, "file": done.extra.file} if done.extra else None,
        "questions": [{"slug": problem.slug, "question": each.id, "ask": each.ask.here} for problem, each in waiting],
    }


def result_json(outcome: Result, path: Path) -> dict[str, Any]:
    """The object of `mock finish --json` and `mock report --json`."""
    problems = [
        {
            "slug": each.slug,
            "outcome": each.outcome,
            "share": each.share,
            "seconds": round(each.seconds, 1),
            "minutes": each.minutes,
            "runs": each.runs,
            "follows": each.follows,
            "submitted": each.submitted,
            "late": each.late_source is not None,
            "diagnosis": asdict(each.verdict.diagnosis) if each.verdict and each.verdict.diagnosis else None,
            "questions": [{"given": q.given, "right": q.right} for q in each.questions],
        }
        for each in outcome.problems
    ]
    return {
        "id": outcome.id,
        "score": outcome.score,
        "reason": outcome.reason,
        "seed": outcome.seed,
        "parts": [asdict(part) for part in outcome.parts],
        "problems": problems,
        "advice": [asdict(advice) for advice in outcome.advice],
        "report": str(path),
    }


def _row_json(interview: Interview, wall: datetime) -> dict[str, Any]:
    return {
        "id": interview.id,
        "started": interview.started_at.isoformat(),
        "minutes": interview.minutes,
        "profile": interview.profile,
        "running": interview.running(wall),
        "score": score.score(score.parts(interview)) if interview.graded else None,
        "problems": [problem.slug for problem in interview.problems],
    }
