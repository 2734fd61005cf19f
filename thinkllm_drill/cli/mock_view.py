"""Bare `thinkllm mock` on a terminal: the interview that runs on the full screen, and all of it by keys.

Every key calls the interviewer, as the plain commands do; nothing is decided here. What grades runs beside it, so that
the clock goes on counting.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkllm_drill.cli import mock_view_pages as pages
from thinkllm_drill.cli.fullscreen import FullScreen, size_of
from thinkllm_drill.cli.interview import conclude, get_ready, keep
from thinkllm_drill.cli.keys import Keys, open_keys
from thinkllm_drill.cli.line import edited
from thinkllm_drill.cli.mock_show import clock
from thinkllm_drill.cli.mock_view_draw import Asking, Confirm, Look, Message, Page, draw, page_rows
from thinkllm_drill.cli.mock_view_work import Job, Say, Work
from thinkllm_drill.cli.output import count, hints
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import ThinkLLMError
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Interviewer, Submitted
    from thinkllm_drill.interview.model import Interview, Run
    from thinkllm_drill.interview.result import Result

LEAVE = ("q", "ctrl-c", "ctrl-d")
_REST_SECONDS = 30.0
"""Between two looks when the interview is over and shown."""


def available(session: Session) -> bool:
    """Whether there is a terminal for the view: one that takes keys and moves, and tells its size."""
    typed = sys.stdin is not None and sys.stdin.isatty()
    return not session.json and typed and session.out.moves and size_of(session.out) is not None


def open_view(session: Session, desk: Interviewer, interview: Interview | None) -> int:
    """Show an interview until the learner leaves; where there is none, begin one by keys. Returns the exit code."""
    view = None
    with open_keys() as keys, FullScreen(session.out) as full:
        keys.before_stop = full.leave
        try:
            if interview is None:
                interview = _begin(session, desk, keys, full)
            if interview is not None:
                view = View(session, desk, interview, keys, full)
                view.loop()
        except KeyboardInterrupt:
            pass
        finally:
            if view is not None:
                view.close()
    session.out.measure()
    if view is not None:
        view.farewell()
    return 0


def _begin(session: Session, desk: Interviewer, keys: Keys, full: FullScreen) -> Interview | None:
    """The interview that the learner began, None if they left."""
    from thinkllm_drill.cli import mock_view_start
    from thinkllm_drill.interview import profiles

    start = mock_view_start.Start(tuple(profiles.read(session.library.root).values()))
    while True:
        frame = mock_view_start.draw(start, full.screen)
        full.show(frame.lines)
        key = keys.read(_REST_SECONDS)
        if key in (*LEAVE, "esc"):
            return None
        if key in ("resize", "resume"):
            full.enter()
        elif key == "enter":
            try:
                interview = desk.start(start.wishes)
            except ThinkLLMError as error:
                start = replace(start, messages=(Message(error.message, "bad"),))
            else:
                keep(session, interview)
                return interview
        elif key is not None:
            start = start.press(key)


class View:
    """Shows one interview and does what the keys say.

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

    def loop(self) -> None:
        """Show it and wait for keys until the learner leaves."""
        self.tick()
        self.show()
        if self.look.interview.finished_at is None:
            keep(self.session, self.look.interview)
            get_ready(self.session, self.look.interview)
        while not self.over:
            key = self.keys.read(self._patience())
            while key is not None and not self.over:
                self.press(key)
                key = self.keys.read(0)
            self.tick()
            self.show()

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
            until = f"{interview.deadline.astimezone():%H:%M:%S}"
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

    # keys

    def press(self, key: str) -> None:
        """Do what a key asks for."""
        if key in ("resize", "resume"):
            self._resized()
            return
        try:
            if self.outcome is not None:
                self._press_result(key)
            elif key in ("ctrl-c", "ctrl-d"):
                self._leave()
            else:
                match self.look.front:
                    case Confirm():
                        self._press_confirm(key)
                    case Asking():
                        self._press_asking(self.look.front, key)
                    case Page():
                        self._press_page(self.look.front, key)
                    case None:
                        self._press_main(key)
        except ThinkLLMError as error:
            self._tell(error)

    def _press_main(self, key: str) -> None:
        key = key.lower()
        if self.look.interview.finished_at is not None:
            acts: dict[str, Callable[[], None]] = {"q": self._leave}
            if self.look.stuck:
                acts["r"] = self._conclude
        else:
            acts = {
                "up": lambda: self._turn(-1),
                "down": lambda: self._turn(1),
                "s": self._statement,
                "c": self._check,
                "u": self._submit,
                "enter": self._submit,
                "a": self._ask,
                "e": self._edit,
                "r": self._restore,
                "f": self._finish,
                "q": self._leave,
                "?": lambda: self._read(pages.help_(self.look.interview)),
                "h": lambda: self._read(pages.help_(self.look.interview)),
            }
        if key in acts:
            acts[key]()
        elif key.isdigit() and 1 <= int(key) <= len(self.look.interview.problems):
            self._focus(self.look.interview.problems[int(key) - 1].slug)

    def _press_confirm(self, key: str) -> None:
        self._back()
        if key.lower() in ("y", "是"):
            self._if_yes()

    def _press_page(self, page: Page, key: str) -> None:
        rows = page_rows(self.full.screen)
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -rows, "b": -rows, "pagedown": rows, " ": rows}
        steps |= {"home": -len(page.lines), "end": len(page.lines)}
        if key in steps:
            top = min(max(page.top + steps[key], 0), max(len(page.lines) - rows, 0))
            self.look = replace(self.look, front=replace(page, top=top))
        elif key in ("esc", "q", "s", "?", "enter"):
            self._back()

    def _press_result(self, key: str) -> None:
        assert self.outcome is not None
        if key == "o":
            import webbrowser

            webbrowser.open(self.outcome[1].as_uri())
        elif key in (*LEAVE, "esc", "enter"):
            self.over = True
        elif isinstance(self.look.front, Page):
            self._press_page(self.look.front, key)

    def _press_asking(self, asking: Asking, key: str) -> None:
        if key == "esc":
            self._back()
            self._put(Message(text("mockview.answer_later")))
        elif key == "enter":
            self._answer(asking)
        else:
            typed, caret = edited(asking.typed, asking.caret, key)
            self.look = replace(self.look, front=replace(asking, typed=typed, caret=caret, trouble=""))

    # what the keys do

    def _turn(self, step: int) -> None:
        """Turn to the next open problem in one direction."""
        interview = self.look.interview
        slugs = [problem.slug for problem in interview.problems if problem.open]
        if interview.focus in slugs and len(slugs) > 1:
            self._focus(slugs[(slugs.index(interview.focus) + step) % len(slugs)])

    def _focus(self, slug: str) -> None:
        problem = self.desk.focus(slug)
        self._put(Message(text("mockview.now", slug=problem.slug), "dim"))

    def _statement(self) -> None:
        if self.look.interview.focus is not None:
            self._read(pages.statement(self.session, self.look.interview.focus))

    def _check(self) -> None:
        interview = self.look.interview
        if self._is_busy() or interview.focus is None:
            return
        slug = interview.focus
        if interview.runs - interview.problem(slug).runs_taken == 1:
            self._confirm(text("mockview.ask_last_run", slug=slug), lambda: self._run(slug))
        else:
            self._run(slug)

    def _run(self, slug: str) -> None:
        self._start(text("mockview.checking", slug=slug), lambda session, desk, say: desk.run(slug), self._ran)

    def _ran(self, run: Run) -> None:
        from thinkllm_drill.cli.mock_show import run_words

        interview = self.desk.get(self.look.interview.id)
        problem = next(each for each in interview.problems if run in each.runs)
        left = count("runs", interview.runs - problem.runs_taken)
        style = "ok" if run.verdict.passed else "bad"
        symbol = self.full.screen.symbol("ok" if run.verdict.passed else "bad")
        words = text("mockview.passed_then") if run.verdict.passed else run_words(run)
        told = text("mock.run.left" if run.counts else "mock.run.free", left=left)
        self._put(Message(f"{symbol} {problem.slug}: {words}", style), Message(told, "dim"))

    def _submit(self) -> None:
        slug = self.look.interview.focus
        if slug is None:
            self._ask()
        elif not self._is_busy():
            self._confirm(text("mockview.ask_submit", slug=slug), lambda: self._hand_in(slug))

    def _hand_in(self, slug: str) -> None:
        self._start(
            text("mockview.submitting", slug=slug), lambda session, desk, say: desk.submit(slug), self._handed_in
        )

    def _handed_in(self, done: Submitted) -> None:
        verdict = done.problem.verdict
        assert verdict is not None
        failing = sum(check.status not in ("passed", "skipped") for check in verdict.checks)
        key = "passed" if verdict.passed else "failed"
        words = text(f"mock.submit.{key}", failing=failing, total=len(verdict.checks))
        symbol = self.full.screen.symbol("ok" if verdict.passed else "bad")
        told = [Message(f"{symbol} {done.problem.slug}: {words}", "ok" if verdict.passed else "bad")]
        if done.extra is not None:
            title = self.look.titles.get(done.extra.slug, done.extra.slug)
            told.append(Message(text("mockview.extra", title=title), "bold"))
        self._put(*told)
        self._take(self.desk.get(self.look.interview.id))
        self._go_on()

    def _go_on(self) -> None:
        """Ask what waits; where nothing is left to do the interview is over."""
        if self.look.interview.finished_at is not None:
            return
        if self.desk.finish_if_done() is not None:
            self.tick()
        elif self.look.waiting:
            self._ask()

    def _ask(self) -> None:
        """Put the next question that waits in front."""
        waiting = self.desk.pending(self.look.interview)
        if not waiting:
            self._back()
            return
        problem, question = waiting[0]
        total = len(self.desk.questions(problem.slug))
        left = sum(each.slug == problem.slug for each, _ in waiting)
        head = text("mockview.question", number=total - left + 1, total=total, slug=problem.slug)
        self._asked = problem.slug, question
        self.look = replace(self.look, front=Asking(head, question.ask.here))

    def _answer(self, asking: Asking) -> None:
        assert self._asked is not None
        slug, question = self._asked
        empty = text("mockview.answer_empty")
        trouble = self.desk.unreadable(question, asking.typed)
        if not asking.typed.strip() and asking.trouble != empty:
            trouble = empty
        if trouble is not None:
            self.look = replace(self.look, front=replace(asking, trouble=trouble))
            return
        self._back()
        self.desk.answer(slug, question, asking.typed)
        self._put(Message(text("mock.answer_recorded" if asking.typed.strip() else "mock.answer_passed_by"), "dim"))
        self._take(self.desk.get(self.look.interview.id))
        self._go_on()

    def _edit(self) -> None:
        from thinkllm_drill.cli.drill import open_editor

        interview = self.look.interview
        if interview.focus is None or self.look.gone:
            return
        with self.full.released(), self.keys.released():
            open_editor(self.session, Path(interview.problem(interview.focus).file))

    def _restore(self) -> None:
        if self.look.gone:
            self.desk.restore(self.look.interview.focus)
            self._put()

    def _finish(self) -> None:
        if not self._is_busy():
            left = clock(self.look.interview.remaining(self.desk.now()))
            self._confirm(text("mockview.ask_finish", left=left), self._end)

    def _end(self) -> None:
        self.desk.finish()
        self.tick()

    def _leave(self) -> None:
        if self._work is None or (isinstance(self.look.front, Confirm) and self._if_yes == self._stop):
            self._stop()
        else:
            self._confirm(text("mockview.ask_leave"), self._stop)

    def _stop(self) -> None:
        self.over = True

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
        hint = (Message(error.hint, "dim"),) if error.hint else ()
        self._put(Message(error.message, "bad"), *hint)

    def _resized(self) -> None:
        self.full.enter()
        if isinstance(self.look.front, Page) and self._body is not None:
            lines = self._body(self.full.screen)
            top = min(self.look.front.top, max(len(lines) - page_rows(self.full.screen), 0))
            self.look = replace(self.look, front=replace(self.look.front, lines=lines, top=top))
