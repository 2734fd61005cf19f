"""What an interview is worth, from its recorded events alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from thinkllm_drill.interview.model import Interview, Problem
from thinkllm_drill.interview.result import Outcome, Part
from thinkllm_drill.verdict import Verdict

WEIGHTS = {"easy": 1.0, "medium": 2.0, "hard": 3.0}
"""What a problem counts by its difficulty."""

CORRECTNESS, TIME, RUNS, QUESTIONS = 70.0, 10.0, 10.0, 10.0
EXTRA = 5.0
"""Points for a problem that came because another was passed early; the sum ends at 100."""

HALF_RIGHT = 0.8
"""The most that an answer can earn that does not pass: this, times the share of checks that it passed."""


def share(verdict: Verdict | None) -> float:
    """How much of a problem a verdict earns, from 0 to 1; a check that was not reached earns nothing."""
    if verdict is None:
        return 0.0
    if verdict.passed:
        return 1.0
    counted = [check for check in verdict.checks if check.kind not in ("defined", "speed")]
    passed = sum(check.status == "passed" for check in counted)
    return HALF_RIGHT * passed / len(counted) if counted else 0.0


def outcome(verdict: Verdict | None) -> Outcome:
    """What to call a verdict."""
    if verdict is None or verdict.status == "not_started":
        return "untouched"
    if verdict.passed:
        return "passed"
    if verdict.status in ("internal", "unavailable"):
        return "ungraded"
    return "partly" if share(verdict) > 0 else "failed"


def parts(interview: Interview) -> tuple[Part, ...]:
    """The rubric with the points that were earned."""
    asked = [problem for problem in interview.problems if problem.follows is None]
    graded = [problem for problem in asked if outcome(problem.verdict) != "ungraded"]
    answers = [right for problem in interview.problems for right in _answers(problem)]
    right = sum(answers) / len(answers) if answers else 0.0
    extra = sum(EXTRA * share(problem.verdict) for problem in interview.problems if problem.follows is not None)
    rows = [
        Part("correctness", CORRECTNESS * _mean(graded, lambda each: share(each.verdict)), CORRECTNESS),
        Part("time", TIME * _mean(graded, _in_time), TIME),
        Part("runs", RUNS * _mean(graded, lambda each: _few_runs(each, interview.runs)), RUNS),
        Part("questions", QUESTIONS * right, QUESTIONS if answers else 0.0),
    ]
    if any(problem.follows for problem in interview.problems):
        rows.append(Part("extra", extra, 0.0))
    return tuple(Part(part.name, round(part.points, 1), part.out_of) for part in rows)


def score(parts: Sequence[Part]) -> float:
    """Points of 100: what could not be earned is left out of the sum, extra points are added to it."""
    possible = sum(part.out_of for part in parts)
    earned = sum(part.points for part in parts if part.out_of)
    extra = sum(part.points for part in parts if part.name == "extra")
    return round(min(100.0, (100.0 * earned / possible if possible else 0.0) + extra), 1)


def _answers(problem: Problem) -> list[bool]:
    """Whether each graded question on a problem was answered right; one that was not answered was not."""
    given = {answer.question: answer.right for answer in problem.answers}
    left = [False for question in problem.asked if question not in given]
    return [right for right in given.values() if right is not None] + left


def _mean(problems: Sequence[Problem], of: Callable[[Problem], float]) -> float:
    weights = [WEIGHTS.get(problem.difficulty, 1.0) for problem in problems]
    total = sum(weights)
    return (
        sum(weight * of(problem) for weight, problem in zip(weights, problems, strict=True)) / total if total else 0.0
    )


def _in_time(problem: Problem) -> float:
    """1 for a pass within the minutes of the problem, falling to 0 at twice as many."""
    if problem.verdict is None or not problem.verdict.passed:
        return 0.0
    return max(0.0, min(1.0, 2.0 - problem.seconds / (60.0 * problem.minutes)))


def _few_runs(problem: Problem, allowed: int) -> float:
    """1 for a pass after at most one run, falling to 0 where all were used and more than one."""
    if problem.verdict is None or not problem.verdict.passed:
        return 0.0
    return 1.0 if problem.runs_taken <= 1 else 1.0 - (problem.runs_taken - 1) / max(1, allowed - 1)
