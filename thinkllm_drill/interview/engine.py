"""What can be done in an interview; each step is recorded before it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from thinkllm_drill import locale
from thinkllm_drill.content.attempt import is_emptied
from thinkllm_drill.content.library import Library
from thinkllm_drill.content.path import LearningPath
from thinkllm_drill.errors import InternalError, UsageError
from thinkllm_drill.folders import short_path
from thinkllm_drill.interview import picker
from thinkllm_drill.interview.log import Log
from thinkllm_drill.interview.model import Answer, Interview, Problem, Reason, Run
from thinkllm_drill.interview.snapshots import Snapshots
from thinkllm_drill.locale import text
from thinkllm_drill.packages import missing
from thinkllm_drill.progress.events import source_hash, stamp
from thinkllm_drill.progress.store import Store
from thinkllm_drill.verdict import Verdict
from thinkllm_drill.workspace import Workspace

if TYPE_CHECKING:
    from thinkllm_drill.interview.questions import Question

RUNS = 3
"""Check runs a problem, where nothing else is wished for."""

QUESTIONS = 2
"""Follow-up questions a problem, those that can be graded first."""

LONGEST = 480
"""Minutes of the longest interview."""

BACK_SECONDS = 2.0
"""A clock that goes back by less is adjusted, not set back."""


class Grader(Protocol):
    """Grades the bytes of a file, by the rules of `check`."""

    def __call__(self, slug: str, file: str, source: bytes, *, diagnose: bool) -> Verdict:
        """The verdict."""


@dataclass(frozen=True)
class Checked:
    """What came of a check of a problem."""

    run: Run
    repeated: bool = False
    """Whether the file is as it was at that run before, which is told again and takes none."""


@dataclass(frozen=True)
class Submitted:
    """What came of handing in a problem."""

    problem: Problem
    extra: Problem | None
    """The problem that the interviewer goes on to, as this one was passed early."""


class Interviewer:
    """Runs interviews on one store and one home.

    Args:
        store, library, path, workspace: what the learner has and can be asked.
        now: the clock of the machine; gives times with a zone.
        grader: grades attempts.
    """

    def __init__(
        self,
        store: Store,
        library: Library,
        path: LearningPath,
        workspace: Workspace,
        *,
        now: Callable[[], datetime],
        grader: Grader,
    ) -> None:
        self.store, self.library, self.path, self.workspace = store, library, path, workspace
        self.now = now
        self._grade = grader
        self._snapshots = Snapshots(store, workspace, now)
        self._entries = {entry.slug: entry for entry in library.entries()}
        self._log = Log(store)

    # what there is

    def all(self) -> dict[str, Interview]:
        """Every interview by id, oldest first."""
        return self._log.all()

    def get(self, id_: str) -> Interview:
        """One interview; UsageError if there is none with this id."""
        interviews = self.all()
        if id_ not in interviews:
            raise UsageError(text("mock.unknown", id=id_), hint="thinkllm mock list")
        return interviews[id_]

    def unfinished(self) -> Interview | None:
        """The interview that runs, or whose time is up and that nobody finished; its files were looked at."""
        open_ones = [interview for interview in self.all().values() if interview.finished_at is None]
        return self.sync(open_ones[-1]) if open_ones else None

    def running(self) -> Interview:
        """The interview that runs; UsageError if none does."""
        interview = self.unfinished()
        if interview is not None and interview.finished_at is None:
            return interview
        last = next(reversed(self.all().values()), None)
        if last is None:
            raise UsageError(text("mock.none"), hint="thinkllm mock start")
        if not last.graded:
            raise UsageError(text("mock.over_ungraded", id=last.id), hint="thinkllm mock finish")
        raise UsageError(text("mock.none_running", id=last.id), hint=f"thinkllm mock report {last.id}")

    # the steps

    def start(self, wishes: picker.Wishes, *, runs: int = RUNS) -> Interview:
        """Begin an interview: its problems are picked and their files written."""
        if wishes.minutes > LONGEST:
            raise UsageError(text("mock.too_long", longest=LONGEST), hint="thinkllm mock start --minutes 45")
        if wishes.minutes < 1:
            raise UsageError(text("mock.no_minutes"), hint="thinkllm mock start --minutes 45")
        if runs < 1:
            raise UsageError(text("mock.no_runs"), hint="thinkllm mock start --runs 3")
        before = self.unfinished()
        if before is not None and before.finished_at is None:
            raise UsageError(text("mock.one_runs", id=before.id), hint="thinkllm mock status")
        import secrets

        seed = wishes.seed or secrets.token_hex(4)
        wishes = replace(wishes, seed=seed)
        chosen = picker.pick(wishes, self._gradable(), self.path, self.store.statuses(), self.now().date())
        folder = self._new_folder()
        problems = [self._hand_out(folder, entry.slug) for entry in chosen]
        at = self.now()
        payload = {
            "minutes": wishes.minutes,
            "deadline": stamp(at + timedelta(minutes=wishes.minutes)),
            "seed": seed,
            "runs": runs,
            "profile": wishes.profile.name if wishes.profile else None,
            "problems": problems,
        }
        self._record(folder.name, "start", None, payload)
        return self.get(folder.name)

    def sync(self, interview: Interview) -> Interview:
        """The interview as it is now: a clock that was set back noticed, saves recorded, ended if its time is up."""
        changed = False
        wall = self.now()
        if interview.last_at is not None and interview.finished_at is None:
            back = (interview.last_at - wall).total_seconds() - interview.clock_back
            if back > BACK_SECONDS:
                self._record(interview.id, "clock", None, {"back": round(back, 3)})
                interview, changed = self.get(interview.id), True
        if self._snapshots.take(interview):
            changed = True
        if interview.finished_at is None and interview.remaining(wall) == 0:
            self._record(interview.id, "finish", None, {"reason": "deadline"})
            changed = True
        return self.get(interview.id) if changed else interview

    def run(self, slug: str | None = None) -> Checked:
        """Check a problem; takes one of its runs, unless nothing could be graded or just this was checked before."""
        interview = self.running()
        problem = self._open(interview, slug)
        if (before := self.run_before(problem)) is not None:
            return Checked(before, repeated=True)
        if problem.runs_taken >= interview.runs:
            raise UsageError(text("mock.no_runs_left", slug=problem.slug), hint=f"thinkllm mock submit {problem.slug}")
        source = self._written(problem)
        verdict = self._grade(problem.slug, problem.file, source, diagnose=False)
        self._record(interview.id, "run", problem.slug, {"verdict": verdict.to_json()}, source)
        return Checked(self.get(interview.id).problem(problem.slug).runs[-1])

    def run_before(self, problem: Problem) -> Run | None:
        """The run that was taken on the file of a problem as it is now; None if there was none."""
        path = Path(problem.file)
        taken = {run.source: run for run in problem.runs if run.counts}
        return taken.get(source_hash(self.workspace.read(path))) if taken and path.exists() else None

    def submit(self, slug: str | None = None) -> Submitted:
        """Hand in a problem, for good; passed early, the interviewer may go on along its chain.

        Raises:
            InternalError, EnvironmentProblem: it could not be graded, and was not handed in.
        """
        interview = self.running()
        problem = self._open(interview, slug)
        source = self._written(problem)
        verdict = self._grade(problem.slug, problem.file, source, diagnose=True)
        if verdict.status in ("internal", "unavailable"):
            raise InternalError(verdict.note or text("mock.not_graded", slug=problem.slug), hint="thinkllm doctor")
        asked = [question.id for question in self.questions(problem.slug) if question.answer is not None]
        payload = {"verdict": verdict.to_json(), "asked": asked}
        self._record(interview.id, "submit", problem.slug, payload, source)
        interview = self.get(interview.id)
        extra = self._extend(interview, problem.slug) if verdict.passed else None
        interview = self.get(interview.id)
        return Submitted(interview.problem(problem.slug), extra)

    def focus(self, slug: str | None = None) -> Problem:
        """Turn to another problem: the one named, else the next that is open."""
        interview = self.running()
        problem = self._open(interview, slug or interview.after(interview.focus))
        if interview.focus != problem.slug:
            self._record(interview.id, "focus", problem.slug, {})
        return problem

    def pending(self, interview: Interview) -> list[tuple[Problem, Question]]:
        """The questions on problems that were handed in and that nobody answered, oldest first."""
        waiting = []
        for problem in sorted(interview.problems, key=lambda each: each.submitted_at or interview.deadline):
            if problem.open:
                continue
            answered = {answer.question for answer in problem.answers}
            waiting += [(problem, each) for each in self.questions(problem.slug) if each.id not in answered]
        return waiting

    def questions(self, slug: str) -> list[Question]:
        """The questions that are asked after a problem."""
        from thinkllm_drill.interview.questions import questions_of

        every = sorted(questions_of(self.library.exercise(slug)), key=lambda question: question.answer is None)
        return list(every)[:QUESTIONS]

    def ask(self, slug: str, question: Question) -> None:
        """Record that a question is put to the learner: until the next step, the time counts for no problem."""
        interview = self.running()
        if interview.asking != slug:
            self._record(interview.id, "ask", slug, {"question": question.id})

    def put_off(self) -> None:
        """Record that the learner answers later; the time counts for the problem in focus again."""
        interview = self.unfinished()
        if interview is not None and interview.asking is not None:
            self._record(interview.id, "later", interview.asking, {})

    def unreadable(self, question: Question, given: str) -> str | None:
        """Why an answer to a question that is graded cannot be read; None where it can, or where it is empty."""
        from thinkllm_drill.interview.questions import grade

        graded = grade(question, given) if given.strip() else None
        return None if graded is None or graded.unreadable is None else text("mock.unreadable", given=given.strip())

    def answer(self, slug: str, question: Question, given: str) -> Answer:
        """Record an answer, graded where it can be; an empty one passes the question by.

        Raises:
            UsageError: the question has a right answer, and this one cannot be read.
        """
        from thinkllm_drill.interview.questions import grade

        interview = self.running()
        if (why := self.unreadable(question, given)) is not None:
            raise UsageError(why, hint="thinkllm mock answer 2.5e9")
        right = grade(question, given).right if given.strip() else (None if question.answer is None else False)
        payload = {"question": question.id, "given": given, "right": right}
        self._record(interview.id, "answer", slug, payload)
        return self.get(interview.id).problem(slug).answers[-1]

    def restore(self, slug: str | None = None) -> Path:
        """Write a file that was deleted or emptied again, as it was when code was last seen in it."""
        interview = self.running()
        problem = self._open(interview, slug)
        path = Path(problem.file)
        if path.exists():
            if not is_emptied(self.workspace.read(path)):
                raise UsageError(text("mock.not_restored", file=short_path(path)), hint="thinkllm mock status")
            path.unlink()  # every version that was seen is kept
        sources = (self.store.source(saved.source) for saved in reversed(problem.saves))
        source = next((source for source in sources if source is not None and not is_emptied(source)), None)
        content = source.decode("utf-8", "surrogateescape") if source is not None else self._stub(problem.slug)
        return self.workspace.write_new(path, content)

    def finish(self) -> Interview:
        """End the interview that runs; the files count as they are now."""
        interview = self.running()
        reason: Reason = "ended" if any(problem.open for problem in interview.problems) else "submitted"
        self._record(interview.id, "finish", None, {"reason": reason})
        return self.get(interview.id)

    def finish_if_done(self) -> Interview | None:
        """The interview, ended, where nothing is left to do: all handed in, no question waits; else None."""
        interview = self.running()
        if any(problem.open for problem in interview.problems) or self.pending(interview):
            return None
        return self.finish()

    def grade_rest(self, interview: Interview, told: Callable[[str], None] = lambda slug: None) -> Interview:
        """Grade what was not handed in, and what was saved late; done again after an interruption, it goes on."""
        interview = self.sync(interview)
        for problem in interview.problems:
            if problem.verdict is None:
                told(problem.slug)
                counted = [saved for saved in problem.saves if saved.at <= interview.ends]
                self._grade_version(interview, problem, "counted", counted[-1].source if counted else None)
            if problem.late is not None and problem.late_verdict is None:
                told(problem.slug)
                self._grade_version(interview, problem, "late", problem.late.source)
        return self.get(interview.id)

    # how it is done

    def _record(
        self, id_: str, what: str, slug: str | None, payload: dict[str, Any], source: bytes | None = None
    ) -> None:
        self.store.record("mock", slug, {"interview": id_, "what": what, **payload}, source)

    def _gradable(self) -> dict[str, Any]:
        return {slug: entry for slug, entry in self._entries.items() if not missing(entry.needs)}

    def _new_folder(self) -> Path:
        number = max((int(id_) for id_ in self.all() if id_.isdigit()), default=0) + 1
        while (self.workspace.settings.mock / str(number)).exists():
            number += 1
        self.workspace.settings.ensure_home()
        return self.workspace.settings.mock / str(number)

    def _hand_out(self, folder: Path, slug: str) -> dict[str, Any]:
        from thinkllm_drill.content.names import to_disk

        entry, stub = self._entries[slug], self._stub(slug)
        path = self.workspace.write_new(folder / f"{to_disk(slug)}.py", stub)
        name = source_hash(path.read_bytes())
        return {
            "slug": slug,
            "minutes": entry.minutes,
            "difficulty": entry.difficulty,
            "file": str(path),
            "stub": name,
        }

    def _stub(self, slug: str) -> str:
        from thinkllm_drill.content.attempt import new_attempt

        return new_attempt(self.library, slug, "body", locale.current(), interview=True)

    def _open(self, interview: Interview, slug: str | None) -> Problem:
        """The problem that is meant, which was not handed in."""
        slug = slug or interview.focus
        if slug is None:
            raise UsageError(text("mock.all_submitted"), hint="thinkllm mock finish")
        slugs = [problem.slug for problem in interview.problems]
        if slug not in slugs:
            raise UsageError(text("mock.not_asked", slug=slug, slugs=", ".join(slugs)), hint="thinkllm mock status")
        problem = interview.problem(slug)
        if not problem.open:
            raise UsageError(text("mock.submitted_before", slug=slug), hint="thinkllm mock next")
        return problem

    def _written(self, problem: Problem) -> bytes:
        """The bytes of a file that was worked on."""
        path, shown = Path(problem.file), short_path(problem.file)
        again = f"thinkllm mock restore {problem.slug}"
        if not path.exists():
            raise UsageError(text("mock.file_gone", file=shown), hint=again)
        source = self.workspace.read(path)
        if source_hash(source) == problem.stub:
            raise UsageError(text("mock.nothing_written", file=shown), hint="thinkllm mock next")
        if is_emptied(source):
            raise UsageError(text("mock.emptied", file=shown), hint=again)
        return source

    def _extend(self, interview: Interview, slug: str) -> Problem | None:
        """A problem added because one was passed early and the others leave time for it."""
        wall, problem = self.now(), interview.problem(slug)
        if problem.seconds > 60 * problem.minutes:
            return None
        left = interview.remaining(wall) / 60 - sum(each.minutes for each in interview.problems if each.open)
        asked = [each.slug for each in interview.problems]
        entry = picker.follow_up(slug, asked, left, self._gradable(), self.path)
        if entry is None:
            return None
        row = self._hand_out(self.workspace.settings.mock / interview.id, entry.slug)
        self._record(interview.id, "extend", entry.slug, {"problem": row, "follows": slug})
        return self.get(interview.id).problem(entry.slug)

    def _grade_version(self, interview: Interview, problem: Problem, which: str, name: str | None) -> None:
        source = self.store.source(name) if name else None
        if source is None:
            verdict = Verdict(problem.slug, problem.file, "not_started", "", 0.0)
        else:
            verdict = self._grade(problem.slug, problem.file, source, diagnose=True)
            if verdict.status == "internal":
                raise InternalError(text("mock.not_graded", slug=problem.slug), hint="thinkllm mock finish")
        self._record(interview.id, "grade", problem.slug, {"which": which, "verdict": verdict.to_json()}, source)
