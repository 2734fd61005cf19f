"""How an interview is told in JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkllm_drill.cli.mock_show import state
from thinkllm_drill.interview import score

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Checked, Interviewer, Submitted
    from thinkllm_drill.interview.model import Interview, Problem
    from thinkllm_drill.interview.questions import Question
    from thinkllm_drill.interview.result import Result


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
            "question_seconds": round(interview.question_seconds(problem.slug, wall), 1),
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


def run_json(checked: Checked, interview: Interview) -> dict[str, Any]:
    """The object of `mock check --json`: no check by its name, no cause, no diagnosis."""
    run = checked.run
    problem = next(each for each in interview.problems if run in each.runs)
    return {
        "slug": problem.slug,
        "passed": run.verdict.passed,
        "status": run.verdict.status,
        "failing": run.verdict.failing,
        "checks": len(run.verdict.checks),
        "counted": run.counts and not checked.repeated,
        "repeated": checked.repeated,
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
            "question_seconds": round(each.question_seconds, 1),
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


def row_json(interview: Interview, wall: datetime) -> dict[str, Any]:
    return {
        "id": interview.id,
        "started": interview.started_at.isoformat(),
        "minutes": interview.minutes,
        "profile": interview.profile,
        "running": interview.running(wall),
        "score": score.score(score.parts(interview)) if interview.graded else None,
        "problems": [problem.slug for problem in interview.problems],
    }
