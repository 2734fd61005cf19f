"""What an interview came to: all that the summary on the terminal and the HTML report show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from thinkllm_drill.verdict import Verdict

Outcome = Literal["passed", "partly", "failed", "untouched", "ungraded"]
"""partly: some checks passed; ungraded: no verdict could be had, which counts neither way."""


@dataclass(frozen=True)
class Moment:
    """Something that happened to a problem, `seconds` after the start of the interview."""

    seconds: float
    kind: Literal["focus", "save", "run", "submit", "answer"]
    passed: bool | None = None
    """Of a run, a submission or an answer; None where it is not known."""
    late: bool = False


@dataclass(frozen=True)
class QuestionResult:
    """A follow-up question that was asked."""

    ask: str
    because: str
    answer: str | None
    """None for an open question."""
    given: str | None
    """None where it was not answered."""
    right: bool | None


@dataclass(frozen=True)
class ProblemResult:
    """One problem: what was written, what it was worth, and the reference."""

    slug: str
    title: str
    difficulty: str
    minutes: int
    outcome: Outcome
    share: float
    """How much of it was earned, from 0 to 1."""
    seconds: float
    """How long it was worked on, its questions left out."""
    runs: int
    """Runs taken."""
    source: str | None
    """The file that counts, with the task above the code left out; None where nothing was written, or left of it."""
    reference: str
    verdict: Verdict | None
    """On `source`, with the diagnosis."""
    late_source: str | None = None
    """What was saved after the deadline, and differs."""
    late_verdict: Verdict | None = None
    emptied: bool = False
    """Whether the file held no code any more."""
    follows: str | None = None
    """The slug of the problem that was passed early, so that this one came."""
    submitted: bool = False
    questions: tuple[QuestionResult, ...] = ()
    question_seconds: float = 0.0
    """How long its questions were asked."""
    moments: tuple[Moment, ...] = ()


@dataclass(frozen=True)
class Part:
    """One line of the rubric."""

    name: Literal["correctness", "time", "runs", "questions", "extra"]
    points: float
    out_of: float
    """0 for extra points, and for what could not be earned in this interview."""


@dataclass(frozen=True)
class Advice:
    """What to practise next, in a sentence, and the command that begins it."""

    says: str
    command: str


@dataclass(frozen=True)
class Earlier:
    """An interview before this one."""

    id: str
    at: datetime
    minutes: int
    score: float


@dataclass(frozen=True)
class Result:
    """An interview that is over and graded. All words are in the language of this process."""

    id: str
    started_at: datetime
    ended_at: datetime
    minutes: int
    reason: Literal["submitted", "deadline", "ended"]
    seed: str
    profile: str | None
    """Its title."""
    runs: int
    """Check runs a problem."""
    problems: tuple[ProblemResult, ...]
    parts: tuple[Part, ...]
    score: float
    """From 0 to 100."""
    advice: tuple[Advice, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    """Oldest first."""
    clock_back: float = 0.0
    """Seconds by which the clock of the machine was set back."""

    @property
    def question_seconds(self) -> float:
        """How long questions were asked, over all problems."""
        return sum(problem.question_seconds for problem in self.problems)
