"""An interview as it follows from its recorded events: a fold, one event at a time, without a database or a clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from thinkllm_drill.progress.events import Event, instant
from thinkllm_drill.verdict import Verdict

What = Literal[
    "start",
    "focus",
    "snapshot",
    "run",
    "submit",
    "ask",
    "later",
    "answer",
    "extend",
    "clock",
    "finish",
    "late",
    "grade",
]
"""start {minutes, deadline, seed, profile, runs, problems} · focus · snapshot {saved} · run {verdict} ·
submit {verdict, asked} · ask {question} · later · answer {question, given, right} · extend {problem, follows} ·
clock {back} · finish {reason} · late {saved} · grade {which, verdict}; every payload has {interview, what}, and all but
start, clock and finish are of one exercise"""

Reason = Literal["submitted", "deadline", "ended"]
"""Why an interview is over: all problems handed in, time up, or ended by the learner."""

_UNCOUNTED = ("internal", "unavailable", "not_started", "error")
"""Verdicts that take no run: nothing was graded."""


@dataclass(frozen=True)
class Run:
    """One graded version of a problem's file, by `mock check`."""

    at: datetime
    verdict: Verdict
    source: str
    """Its hash."""

    @property
    def counts(self) -> bool:
        """Whether it took one of the runs."""
        return self.verdict.status not in _UNCOUNTED


@dataclass(frozen=True)
class Answer:
    """What was answered to a follow-up question; `right` is None where it cannot be graded."""

    at: datetime
    question: str
    given: str
    right: bool | None


@dataclass(frozen=True)
class Saved:
    """A version of the file: when it was saved, and its hash."""

    at: datetime
    source: str


@dataclass(frozen=True)
class Problem:
    """One problem of an interview."""

    slug: str
    minutes: int
    difficulty: str
    file: str
    stub: str = ""
    """The hash of the file as it was handed out."""
    follows: str | None = None
    """The problem that was passed early, so that this one came."""
    runs: tuple[Run, ...] = ()
    saves: tuple[Saved, ...] = ()
    answers: tuple[Answer, ...] = ()
    asked: tuple[str, ...] = ()
    """The graded questions that were asked after it."""
    submitted_at: datetime | None = None
    verdict: Verdict | None = None
    """On what counts: at submission, else after the interview."""
    counted: str | None = None
    """The hash of what counts, once it was graded."""
    late: Saved | None = None
    """What was saved after the deadline."""
    late_verdict: Verdict | None = None
    seconds: float = 0.0
    """How long it was in focus and no question was asked, up to the last event."""
    question_seconds: float = 0.0
    """How long its questions were asked; this is charged to no problem."""
    focused: tuple[datetime, ...] = ()
    """When it came into focus, or a question on it was asked."""

    @property
    def open(self) -> bool:
        """Whether it can still be worked on."""
        return self.submitted_at is None

    @property
    def runs_taken(self) -> int:
        """How many runs were used."""
        return sum(run.counts for run in self.runs)

    @property
    def last_saved(self) -> Saved | None:
        """The newest version that was seen."""
        return self.saves[-1] if self.saves else None


@dataclass(frozen=True)
class Interview:
    """A mock interview."""

    id: str
    started_at: datetime
    deadline: datetime
    minutes: int
    seed: str
    runs: int
    """Check runs a problem."""
    profile: str | None = None
    problems: tuple[Problem, ...] = ()
    focus: str | None = None
    """The problem worked on."""
    asking: str | None = None
    """The problem that a question is asked about right now; meanwhile the time counts for none."""
    finished_at: datetime | None = None
    reason: Reason | None = None
    clock_back: float = 0.0
    """Seconds by which the clock of the machine was set back while it ran."""
    last_at: datetime | None = field(default=None, repr=False)

    def now(self, wall: datetime) -> datetime:
        """The time of the interview, which a clock that was set back does not turn back."""
        told = wall + timedelta(seconds=self.clock_back)
        return max(told, self.last_at) if self.last_at else told

    def remaining(self, wall: datetime) -> float:
        """Seconds left; 0 once it is over."""
        if self.finished_at is not None:
            return 0.0
        return max(0.0, (self.deadline - self.now(wall)).total_seconds())

    def running(self, wall: datetime) -> bool:
        """Whether there is time left and it was not ended."""
        return self.finished_at is None and self.remaining(wall) > 0

    @property
    def ends(self) -> datetime:
        """When it ended, or will: what is saved later is late."""
        return self.finished_at or self.deadline

    def problem(self, slug: str) -> Problem:
        """The problem with this slug; KeyError if it has none."""
        for problem in self.problems:
            if problem.slug == slug:
                return problem
        raise KeyError(slug)

    def after(self, slug: str | None) -> str | None:
        """The next open problem after one, going round to it at last; None where all are handed in."""
        place = next((number for number, problem in enumerate(self.problems) if problem.slug == slug), -1)
        around = self.problems[place + 1 :] + self.problems[: place + 1]
        return next((problem.slug for problem in around if problem.open), None)

    @property
    def graded(self) -> bool:
        """Whether it is over and every problem was graded."""
        return self.finished_at is not None and all(
            problem.verdict is not None and (problem.late is None or problem.late_verdict is not None)
            for problem in self.problems
        )

    def seconds(self, slug: str, wall: datetime) -> float:
        """How long a problem was in focus, the present moment included."""
        spent = self.problem(slug).seconds
        return spent + self._since(wall) if self.asking is None and self.focus == slug else spent

    def question_seconds(self, slug: str, wall: datetime) -> float:
        """How long the questions on a problem were asked, the present moment included."""
        spent = self.problem(slug).question_seconds
        return spent + self._since(wall) if self.asking == slug else spent

    def _since(self, wall: datetime) -> float:
        """Seconds since the last event that are not counted yet."""
        if self.finished_at is not None or self.last_at is None:
            return 0.0
        return max(0.0, (min(self.now(wall), self.deadline) - self.last_at).total_seconds())


def fold(events: Iterable[Event]) -> dict[str, Interview]:
    """Every interview by its id, oldest first; events that are not understood change nothing."""
    interviews: dict[str, Interview] = {}
    for event in events:
        id_ = event.payload.get("interview")
        if event.kind != "mock" or not isinstance(id_, str):
            continue
        try:
            if event.payload.get("what") == "start":
                interviews[id_] = _started(id_, event)
            elif id_ in interviews:
                interviews[id_] = apply(interviews[id_], event)
        except (KeyError, TypeError, ValueError):
            continue
    return interviews


def apply(interview: Interview, event: Event) -> Interview:
    """The interview after one more event."""
    what, payload, slug = event.payload.get("what"), event.payload, event.slug
    if what == "clock":
        return replace(interview, clock_back=interview.clock_back + float(payload["back"]))
    at = interview.now(event.at)
    interview = _counted_time(interview, at)
    if interview.asking is not None and what not in ("late", "grade"):
        interview = replace(interview, asking=None)
        if what not in ("ask", "focus", "extend", "finish"):
            interview = _focused(interview, interview.focus, at)
    match what:
        case "ask" if not interview.problem(slug or "").open:
            return replace(_focused(interview, slug, at), focus=interview.focus, asking=slug)
        case "focus" if interview.problem(slug or "").open:
            return _focused(interview, slug, at)
        case "extend":
            extra = _problem(payload["problem"], follows=str(payload["follows"]))
            if any(problem.slug == extra.slug for problem in interview.problems):
                return interview
            return _focused(replace(interview, problems=(*interview.problems, extra)), extra.slug, at)
        case "finish" if interview.finished_at is None:
            ended = min(at, interview.deadline)
            return replace(interview, finished_at=ended, reason=payload["reason"], focus=None)
        case "snapshot" | "run" | "submit" | "answer" | "late" | "grade":
            problem = interview.problem(slug or "")
            changed = _changed(problem, event, at)
            problems = tuple(changed if each is problem else each for each in interview.problems)
            interview = replace(interview, problems=problems)
            if what == "submit" and interview.focus == slug:
                interview = _focused(interview, interview.after(slug), at)
    return interview


def _focused(interview: Interview, slug: str | None, at: datetime) -> Interview:
    """The interview with another problem in focus."""
    problems = tuple(
        replace(problem, focused=(*problem.focused, at)) if problem.slug == slug else problem
        for problem in interview.problems
    )
    return replace(interview, problems=problems, focus=slug)


def _counted_time(interview: Interview, at: datetime) -> Interview:
    """The interview with the time since its last event given to the question that was asked, else to the focus."""
    before = interview.last_at or interview.started_at
    spent = (min(at, interview.deadline) - before).total_seconds()
    if interview.finished_at is None and spent > 0:
        problems = tuple(_spent(interview, problem, spent) for problem in interview.problems)
        interview = replace(interview, problems=problems)
    return replace(interview, last_at=max(at, before))


def _spent(interview: Interview, problem: Problem, seconds: float) -> Problem:
    """A problem after so many seconds of the interview as it is."""
    if interview.asking is not None:
        asked = problem.slug == interview.asking
        return replace(problem, question_seconds=problem.question_seconds + seconds) if asked else problem
    return replace(problem, seconds=problem.seconds + seconds) if problem.slug == interview.focus else problem


def _changed(problem: Problem, event: Event, at: datetime) -> Problem:
    payload, source = event.payload, event.source_hash or ""
    match payload["what"]:
        case "snapshot":
            return replace(problem, saves=(*problem.saves, Saved(instant(payload["saved"]), source)))
        case "run":
            return replace(problem, runs=(*problem.runs, Run(at, Verdict.from_json(payload["verdict"]), source)))
        case "submit" if problem.submitted_at is None:
            verdict = Verdict.from_json(payload["verdict"])
            asked = tuple(map(str, payload.get("asked", ())))
            return replace(problem, submitted_at=at, verdict=verdict, counted=source, asked=asked)
        case "answer" if all(answer.question != payload["question"] for answer in problem.answers):
            answer = Answer(at, str(payload["question"]), str(payload["given"]), payload["right"])
            return replace(problem, answers=(*problem.answers, answer))
        case "late":
            return replace(problem, late=Saved(instant(payload["saved"]), source))
        case "grade" if payload["which"] == "late":
            return replace(problem, late_verdict=Verdict.from_json(payload["verdict"]))
        case "grade" if problem.verdict is None:
            return replace(problem, verdict=Verdict.from_json(payload["verdict"]), counted=source or None)
    return problem


def _started(id_: str, event: Event) -> Interview:
    payload = event.payload
    problems = tuple(_problem(problem) for problem in payload["problems"])
    interview = Interview(
        id=id_,
        started_at=event.at,
        deadline=instant(payload["deadline"]),
        minutes=int(payload["minutes"]),
        seed=str(payload["seed"]),
        runs=int(payload["runs"]),
        profile=payload.get("profile"),
        problems=problems,
        last_at=event.at,
    )
    return _focused(interview, problems[0].slug, event.at)


def _problem(row: Mapping[str, Any], follows: str | None = None) -> Problem:
    return Problem(row["slug"], int(row["minutes"]), row["difficulty"], row["file"], row["stub"], follows)
