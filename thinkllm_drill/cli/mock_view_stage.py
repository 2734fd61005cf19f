"""An interview on the full screen as it goes on by itself: the clock, the files, what others do, and what is graded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkllm_drill.cli import mock_view_pages as pages
from thinkllm_drill.cli.fullscreen import FullScreen
from thinkllm_drill.cli.interview import conclude
from thinkllm_drill.cli.keys import Keys
from thinkllm_drill.cli.mock_show import clock, time_of
from thinkllm_drill.cli.mock_view_draw import Confirm, Look, Message, Page, draw, page_rows
from thinkllm_drill.cli.mock_view_work import Job, Say, Work
from thinkllm_drill.cli.output import hints
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import ThinkLLMError
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Interviewer
    from thinkllm_drill.interview.model import Interview
    from thinkllm_drill.interview.result import Result

_KEYS = {"check": "c", "submit": "u", "next": "1-9", "answer": "a", "restore": "r", "finish": "f"}
_NAMES = {"next": "move"}
"""The keys that do what the verbs of `mock` do, and what the view calls these where it is not the verb."""

_REST_SECONDS = 30.0
"""Between two looks when the interview is over and shown."""


class Stage:
    """Shows one interview.

    Args:
        session: the run of the command line.
        desk: the interviewer.
        interview: what is shown.
        keys: what the learner types; also what is waited on.
        full: where it is shown.
        work: begins what takes long, beside this.
    """

    def __init__(
        self,
        session: Session,
        desk: Interviewer,
        interview: Interview,
        keys: Keys,
        full: FullScreen,
        *,
        work: Callable[[Session, Job, Callable[[], None]], Work] = Work,
    ) -> None:
        self.session, self.desk, self.keys, self.full = session, desk, keys, full
        self.over = False
        self.outcome: tuple[Result, Path] | None = None
        titles = {slug: entry.here for slug, entry in session.entries.items()}
        messages = (Message(text("mockview.begun"), "dim"),) if interview.finished_at is None else ()
        self.look = Look(interview, titles, waiting=len(desk.pending(interview)), messages=messages)
        self._begin_work = work
        self._work: Work | None = None
        self._after: Callable[[Any], None] = lambda result: None
        self._if_yes: Callable[[], None] = lambda: None
        self._asked: tuple[str, Any] | None = None
        self._body: pages.Lines | None = None

    def show(self) -> None:
        """Draw what there is to show."""
        frame = draw(self.look, self.desk.now(), self.full.screen)
        self.full.show(frame.lines, frame.cursor)

    def close(self) -> None:
        """Call off what is being done."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def farewell(self) -> None:
        """Tell in plain lines, below what was there before, how it came out or goes on."""
        screen, interview = self.session.out, self.look.interview
        if self.outcome is not None:
            from thinkllm_drill.cli import mock_show

            mock_show.result(self.session, *self.outcome)
            return
        command = screen.paint("thinkllm mock", "code")
        if interview.finished_at is None:
            until = time_of(interview.deadline, self.desk.now())
            left = clock(interview.remaining(self.desk.now()))
            screen.write(text("mockview.leaving", left=left, until=until))
            screen.write(f"  {command}  {text('mockview.back')}")
        else:
            screen.write(text("mockview.not_graded_yet"))
            for line in hints(screen, ["thinkllm mock finish"]):
                screen.write(line)

    # what goes on by itself

    def tick(self) -> None:
        """Look at the files and at what others recorded, and at what is being done."""
        if self._work is not None:
            self._follow(self._work)
        if self.outcome is None:
            try:
                self._take(self.desk.sync(self.desk.get(self.look.interview.id)))
            except ThinkLLMError as error:
                self._tell(error)

    def _patience(self) -> float:
        """Seconds until the time on the screen changes."""
        if self.outcome is not None:
            return _REST_SECONDS
        left = self.look.interview.remaining(self.desk.now())
        return left % 1 + 0.01 if left else 1.0

    def _take(self, interview: Interview) -> None:
        """Show an interview as it is now; when it is over, grade it."""
        before = self.look.interview
        gone = interview.focus is not None and not Path(interview.problem(interview.focus).file).exists()
        if interview is not before:
            self.look = replace(self.look, interview=interview, waiting=len(self.desk.pending(interview)))
        if gone != self.look.gone:
            self.look = replace(self.look, gone=gone)
        if interview.finished_at is None:
            return
        if before.finished_at is None:
            key = "interrupted" if interview.reason == "deadline" else "ended_elsewhere"
            self._put(Message(text(f"mockview.{key}"), "bad"))
            self._back()
        if self._work is None and not self.look.stuck:
            self._conclude()

    def _follow(self, work: Work) -> None:
        """Show how far something is, or what it came to."""
        if not work.done:
            if work.says and work.says != self.look.busy:
                self.look = replace(self.look, busy=work.says)
            return
        self._work = None
        self.look = replace(self.look, busy="")
        self.session.store.notices += work.notices
        if isinstance(self.look.front, Confirm):
            self._back()
        if work.error is None:
            self._after(work.result)
        elif isinstance(work.error, ThinkLLMError):
            self._tell(work.error)
            if self.look.interview.finished_at is not None:
                self.look = replace(self.look, stuck=True)
        else:
            raise work.error

    def _start(self, words: str, job: Job, after: Callable[[Any], None]) -> None:
        """Begin what takes long."""
        self._put()
        self.look = replace(self.look, busy=words)
        self._after = after
        self._work = self._begin_work(self.session, job, self.keys.wake)

    def _conclude(self) -> None:
        titles, id_ = self.look.titles, self.look.interview.id

        def job(session: Session, desk: Interviewer, say: Say) -> tuple[Result, Path]:
            def told(slug: str) -> None:
                say(text("mock.grading", title=titles.get(slug, slug)))

            return conclude(session, desk, desk.get(id_), told)

        said = self.look.messages
        self._start(text("mockview.concluding"), job, self._concluded)
        self.look = replace(self.look, messages=said, stuck=False)

    def _concluded(self, outcome: tuple[Result, Path]) -> None:
        self.outcome = outcome
        self._read(pages.result(*outcome), keys=(("o", "open"), ("q", "leave")))

    # what stands in front

    def _is_busy(self) -> bool:
        """Whether something is being graded; says so."""
        if self._work is not None:
            self._put(Message(text("mockview.busy")))
        return self._work is not None

    def _confirm(self, words: str, if_yes: Callable[[], None]) -> None:
        self._if_yes = if_yes
        self.look = replace(self.look, front=Confirm(words))

    def _read(self, body: pages.Lines, keys: tuple[tuple[str, str], ...] = (("esc", "back"),)) -> None:
        self._body = body
        self.look = replace(self.look, front=Page(body(self.full.screen), keys=keys))

    def _back(self) -> None:
        self.look = replace(self.look, front=None)

    def _put(self, *messages: Message) -> None:
        self.look = replace(self.look, messages=messages)

    def _tell(self, error: ThinkLLMError) -> None:
        hint = _as_key(error.hint or "", over=self.look.interview.finished_at is not None)
        self._put(Message(error.message, "bad"), *((Message(hint, "dim"),) if hint else ()))

    def _resized(self) -> None:
        self.full.enter()
        if isinstance(self.look.front, Page) and self._body is not None:
            lines = self._body(self.full.screen)
            top = min(self.look.front.top, max(len(lines) - page_rows(self.full.screen), 0))
            self.look = replace(self.look, front=replace(self.look.front, lines=lines, top=top))


def _as_key(hint: str, *, over: bool) -> str:
    """A hint as the view says it: the key that does what a command does; "" for what is on the screen anyway."""
    words = hint.split()
    if words[:2] != ["thinkllm", "mock"] or len(words) < 3 or words[2] == "start":
        return hint
    if over or words[2] not in _KEYS:
        return ""
    return f"{_KEYS[words[2]]} {text(f'mockview.keys.{_NAMES.get(words[2], words[2])}')}"
