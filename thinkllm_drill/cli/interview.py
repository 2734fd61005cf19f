"""What the verbs of a mock interview share, and what the other verbs refuse while one runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from thinkllm_drill.cli import warm
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import UsageError
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Interviewer
    from thinkllm_drill.interview.model import Interview
    from thinkllm_drill.interview.result import Result
    from thinkllm_drill.judge.client import Cancel
    from thinkllm_drill.verdict import Verdict


def interviewer(
    session: Session, *, on_wait: Callable[[str], None] | None = None, cancel: Cancel | None = None
) -> Interviewer:
    """The interviewer of this learner.

    Args:
        session: the run of the command line.
        on_wait: told what is waited for while something is graded; by default it is shown on the terminal.
        cancel: calls off what is being graded.
    """
    from dataclasses import replace

    from thinkllm_drill.cli.grade import request_of, unmeasured, verdict_on
    from thinkllm_drill.interview.engine import Interviewer
    from thinkllm_drill.judge.quiet import Quiet

    def shown(words: str) -> None:
        if session.err.moves and not session.json:
            session.err.write(words)

    def grader(slug: str, file: str, source: bytes, *, diagnose: bool) -> Verdict:
        request = replace(request_of(session, slug, Path(file), source, unmeasured(session)), diagnose=diagnose)
        return verdict_on(session, request, Quiet(on_wait or shown), cancel)

    return Interviewer(
        session.store,
        session.library,
        session.learning_path,
        session.workspace,
        now=lambda: datetime.now(UTC),
        grader=grader,
    )


def keep(session: Session, interview: Interview) -> None:
    """Have what is saved in the files of a running interview kept, whatever becomes of this process."""
    from thinkllm_drill.interview.recorder import ensure

    folder = session.settings.mock / interview.id
    if interview.finished_at is None and folder.is_dir():
        ensure(folder, session.settings.home)


def get_ready(session: Session, interview: Interview) -> None:
    """Have the service started, and ready for the first check."""
    warm.get_ready(session, interview.problems[0].slug)


def conclude(
    session: Session, desk: Interviewer, interview: Interview, told: Callable[[str], None]
) -> tuple[Result, Path]:
    """What an interview that is over came to, and where its report was written; grades what is not graded.

    Args:
        told: called with the exercise that is about to be graded.
    """
    from thinkllm_drill.interview.results import result

    interview = desk.grade_rest(interview, told)
    outcome = result(interview, desk.all(), session.library, session.store)
    return outcome, write_report(session, outcome)


def write_report(session: Session, outcome: Result) -> Path:
    """Where the HTML report of an interview was written."""
    from thinkllm_drill.files import write_atomically
    from thinkllm_drill.report.html import render
    from thinkllm_drill.settings import home_problem

    path = session.settings.reports / f"mock-{outcome.id}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_atomically(path, render(outcome).encode("utf-8", "replace"))
    except OSError as error:
        raise home_problem(path, error) from error


def asked(session: Session) -> dict[str, str]:
    """The exercises that the interview which runs asks, each with its id; they are told nothing of meanwhile."""
    if not session.has_progress or not (events := session.store.events_of("mock")):
        return {}
    from thinkllm_drill.interview.model import fold

    wall = datetime.now(UTC)
    interviews = fold(events).values()
    return {each.slug: one.id for one in interviews if one.running(wall) for each in one.problems}


def refuse(session: Session, slug: str, verb: str) -> None:
    """Raise UsageError where this verb would tell of a problem of the interview that runs."""
    if (id_ := asked(session).get(slug)) is not None:
        raise UsageError(
            text("mock.refused", slug=slug, id=id_),
            hint="thinkllm mock check" if verb == "check" else "thinkllm mock status",
        )
