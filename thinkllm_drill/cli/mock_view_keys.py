"""What the keys do in the full-screen view of an interview.

Every key calls the interviewer, as the plain commands do; nothing is decided here. What grades runs beside it, so that
the clock goes on counting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from thinkllm_drill.cli import mock_view_pages as pages
from thinkllm_drill.cli.interview import get_ready, keep
from thinkllm_drill.cli.line import edited
from thinkllm_drill.cli.mock_show import clock, run_cost, run_words
from thinkllm_drill.cli.mock_view_draw import Asking, Confirm, Message, Page, page_rows
from thinkllm_drill.cli.mock_view_stage import Stage
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.errors import ThinkLLMError
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Checked, Submitted

LEAVE = ("q", "ctrl-c", "ctrl-d")


class View(Stage):
    """Shows one interview and does what the keys say."""

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
            self.desk.put_off()
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
        problem = interview.problem(slug)
        if interview.runs - problem.runs_taken == 1 and self.desk.run_before(problem) is None:
            self._confirm(text("mockview.ask_last_run", slug=slug), lambda: self._run(slug))
        else:
            self._run(slug)

    def _run(self, slug: str) -> None:
        self._start(text("mockview.checking", slug=slug), lambda session, desk, say: desk.run(slug), self._ran)

    def _ran(self, checked: Checked) -> None:
        run = checked.run
        interview = self.desk.get(self.look.interview.id)
        problem = next(each for each in interview.problems if run in each.runs)
        told = run_cost(checked, interview.runs - problem.runs_taken)
        style = "ok" if run.verdict.passed else "bad"
        symbol = self.full.screen.symbol("ok" if run.verdict.passed else "bad")
        words = text("mockview.passed_then") if run.verdict.passed else run_words(run)
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
        key = "passed" if verdict.passed else "failed"
        words = text(f"mock.submit.{key}", failing=verdict.failing, total=len(verdict.checks))
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
        self.desk.ask(problem.slug, question)
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
        from thinkllm_drill.cli.editor import open_editor

        interview = self.look.interview
        if interview.focus is None or self.look.gone:
            return
        with self.full.released(), self.keys.released():
            open_editor(self.session, Path(interview.problem(interview.focus).file))

    def _restore(self) -> None:
        interview = self.look.interview
        if interview.focus is not None:
            self.desk.restore(interview.focus)
            self._put(Message(text("mock.restored", file=short_path(interview.problem(interview.focus).file)), "dim"))

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
        self.desk.put_off()
