"""`thinkllm watch`: grades an attempt at every save."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from thinkllm_drill.cli import completion, preflight
from thinkllm_drill.cli.background import Ended, Failed, Happening, Planned, Run, Status
from thinkllm_drill.cli.grade import look_into, record, request_of, target_of, unmeasured
from thinkllm_drill.cli.interview import refuse
from thinkllm_drill.cli.keys import Keys, open_keys
from thinkllm_drill.cli.output import page
from thinkllm_drill.cli.saves import Gone, News, Saved, SavedFile
from thinkllm_drill.cli.session import Session
from thinkllm_drill.cli.warm import get_ready
from thinkllm_drill.cli.watch_view import JsonView, View
from thinkllm_drill.errors import InternalError, ThinkLLMError, UsageError
from thinkllm_drill.findings import suite_of
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import Check, CheckRequest, Verdict

if TYPE_CHECKING:
    from thinkllm_drill.cli.drill import Level

POLL_SECONDS = 0.025
"""Between two looks at the file."""
WARM_SECONDS = 240.0
"""How often the service, which ends by itself after a while, is told that somebody is there."""
AWAKE_SECONDS = 7200.0
"""Nobody is there any more after so long without a save or a key."""


def command(
    ctx: typer.Context,
    target: Annotated[str | None, typer.Argument(metavar="SLUG|FILE", autocompletion=completion.slugs)] = None,
) -> int:
    """Grade an attempt at every save."""
    session = Session.of(ctx)
    slug, path = target_of(session, target)
    with open_keys() if session.out.is_terminal and not session.json else Keys() as keys:
        shown = JsonView(session) if session.json else View(session, keys=type(keys) is not Keys)
        watch = Watch(session, shown, keys)
        try:
            watch.begin(slug, path)
            while not watch.over:
                watch.step()
        except KeyboardInterrupt:
            pass
        finally:
            watch.end()
    return 0


class Watch:
    """Grades one attempt at every save, and does what the keys say.

    Args:
        session: the run of the command line.
        view: what shows it.
        keys: what the learner types; also what is waited on.
        start: begins a check.
        clock: a monotonic clock.
    """

    def __init__(
        self,
        session: Session,
        view: View,
        keys: Keys,
        *,
        start: Callable[..., Run] = Run,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.session = session
        self.view = view
        self.keys = keys
        self.over = False
        self._start = start
        self._clock = clock
        self._run: Run | None = None
        self._planned: tuple[Check, ...] = ()
        self._ended: list[Check] = []
        self._before: Verdict | None = None
        self._passed = False
        self._active = self._warm = clock()
        self._begins, self._silent = True, False

    def begin(self, slug: str, path: Path, *, below_other: bool = False) -> None:
        """Watch this attempt, which is graded at once if anything is written in it."""
        self.slug, self.path = slug, path
        self._before, self._begins, self._silent, self._passed = None, True, below_other, False
        self.file = SavedFile(path, self.session.workspace.read, self._clock)
        self.view.begin(slug, path, below_other=below_other)

    def step(self) -> None:
        """Wait for a key, a save or an event of the check for a moment, and do what it asks for."""
        key = self.keys.read(POLL_SECONDS)
        if key is not None:
            self._active = self._clock()
            self._press(key.lower())
        if (news := self.file.poll()) is not None:
            self._active = self._clock()
            self._hear_of(news)
        if self._run is not None:
            for happening in self._run.happened():
                self._follow(happening)
        self._stay_warm()

    def end(self) -> None:
        """Call off what is running, and leave the cursor below what is shown."""
        self._call_off(wait=0.5)
        self.view.end()

    # the file

    def _hear_of(self, news: News) -> None:
        match news:
            case Saved(source):
                self._grade(source)
            case Gone():
                self._call_off()
                self.view.say(text("watch.gone", file=self.path.name), alone=True)
            case _:
                self._call_off()
                self.view.problem(news.error, alone=True)

    def _grade(self, source: bytes) -> None:
        """Begin to grade this, in the place of what is being graded."""
        self._call_off()
        try:
            refuse(self.session, self.slug, "watch")
        except UsageError as error:
            self.view.problem(error, alone=True)
            return
        begins, self._begins = self._begins, False
        request = request_of(self.session, self.slug, self.path, source, unmeasured(self.session))
        verdict = preflight.static_verdict(request, self.session.entries[self.slug])
        if verdict is None:
            self.view.status(text("watch.grading"))
            self._run = self._start(request, service=self.session.settings.service, wake=self.keys.wake)
        if begins:
            self._count_hints()
        if verdict is not None and verdict.status == "not_started":
            if not (begins and self._silent):
                self.view.untouched(verdict)
        elif verdict is not None:
            self._judged(request, verdict)
        if begins and verdict is not None:
            self._prepare()

    def _call_off(self, *, wait: float = 0.0) -> None:
        run, self._run = self._run, None
        self._planned, self._ended = (), []
        if run is not None:
            run.cancel(wait=wait)

    # the check

    def _follow(self, happening: Happening) -> None:
        """Show how far a check is, or what it said."""
        assert self._run is not None
        match happening:
            case Status(words):
                self.view.status(words)
            case Planned(checks):
                self._planned = checks
            case Ended(check):
                self._show_progress(self._run.request, check)
            case Failed(error):
                self._call_off()
                self._no_verdict(error)
            case verdict:
                request = self._run.request
                self._call_off()
                if self.file.is_current():  # else the next look at it finds a newer save
                    self._judged(request, preflight.with_open_blanks(verdict, request.source))

    def _show_progress(self, request: CheckRequest, ended: Check) -> None:
        """Say which check is next; show the first failure at once, for its reason takes longer to find."""
        self._ended.append(ended)
        names = [check.id for check in self._planned]
        failed = [check for check in self._ended if check.status not in ("passed", "skipped")]
        if failed == [ended] and self.file.is_current():
            self.view.failing(
                Verdict(self.slug, request.file, "failed", "", 0.0, checks=tuple(self._ended)), self._before
            )
        elif not failed and ended.id in names[:-1]:
            left = self._planned[names.index(ended.id) + 1]
            self.view.status(f"… {' '.join(part for part in (suite_of(left), left.kind) if part)}")

    def _judged(self, request: CheckRequest, verdict: Verdict) -> None:
        """Show a verdict, then record it."""
        self.view.verdict(verdict, self._before, f"{datetime.now():%H:%M:%S}")
        self._passed = verdict.passed
        if len(verdict.checks) > 1:  # else it could not be run
            self._before = verdict
        told, error = record(self.session, verdict, request.source)
        self.view.told(verdict, told)
        if error is not None:
            self.view.problem(error)

    def _no_verdict(self, error: Exception) -> None:
        if isinstance(error, InternalError):
            self.view.problem(InternalError(error.message, hint=look_into()), alone=True)
        elif isinstance(error, ThinkLLMError):
            self.view.problem(error, alone=True)
        else:
            raise error

    # the keys

    def _press(self, key: str) -> None:
        acts: dict[str, Callable[[], None]] = {
            "q": self._quit,
            "ctrl-c": self._quit,
            "ctrl-d": self._quit,
            "h": self._hint,
            "s": self._statement,
            "d": self._debug,
            "n": self._next,
            "r": self.file.again,
            "enter": self.file.again,
            "esc": self.view.redraw,
            "resize": self.view.redraw,
            "resume": lambda: self.view.redraw(below_other=True),
        }
        if key in acts:
            try:
                acts[key]()
            except ThinkLLMError as error:
                self.view.problem(error)

    def _quit(self) -> None:
        self.over = True

    def _hint(self) -> None:
        from thinkllm_drill.cli.hint import open_next, texts

        words = texts(self.session, self.slug)
        if self.session.store.hints_used(self.slug) >= len(words) > 0:
            self.view.hint(len(words), len(words), words[-1])
            return
        number = open_next(self.session, self.slug)
        self.view.hint(number, len(words), words[number - 1])

    def _statement(self) -> None:
        from thinkllm_drill.cli.show import statement

        self.view.leave()
        with self.keys.released():
            page(self.session, statement(self.session, self.slug))
        self.view.stay()

    def _debug(self) -> None:
        """Run the failing case as `thinkllm debug` does, in a process of its own: it imports torch."""
        self._call_off()
        self.view.leave()
        package = str(Path(__file__).resolve().parents[2])
        own = {f"THINKLLM_{name.upper()}": value for name, value in self.session.overrides.items()}
        found = os.pathsep.join(filter(None, [package, self.session.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-P", "-m", "thinkllm_drill", "debug", str(self.path)]
        with self.keys.released():
            subprocess.call(command, env={**self.session.environ, **own, "PYTHONPATH": found})
        self.view.stay()

    def _next(self) -> None:
        """Drill another exercise and watch it: after a pass what they ask then, else as `thinkllm next --start`."""
        from thinkllm_drill.cli import drill

        session = self.session
        slug, level = self._another()
        self._call_off()
        self.view.leave()
        drill.start(session, slug, level=cast("Level | None", level), fresh=level is not None)
        self.begin(slug, session.attempt_path(slug), below_other=True)
        self._count_hints()
        self.view.stay()

    def _another(self) -> tuple[str, str | None]:
        """The exercise that comes next, and the level of a review."""
        from thinkllm_drill.cli.path import choose
        from thinkllm_drill.cli.report import following

        session = self.session
        if self._passed and (follow := following(session, self.slug)) is not None:
            return follow.slug, None
        place = session.learning_path.place
        choice = choose(session.entries.values(), session.statuses(), place, other_than=self.slug)
        if choice is None or choice.entry.slug == self.slug:
            raise UsageError(text("watch.no_other"), hint="thinkllm list")
        return choice.entry.slug, choice.level

    def _count_hints(self) -> None:
        used = self.session.store.hints_used(self.slug) if self.session.has_progress else 0
        self.view.hints(used, len(self.session.library.exercise(self.slug).hint))

    # the service

    def _stay_warm(self) -> None:
        now = self._clock()
        if now - self._warm >= WARM_SECONDS:
            self._warm = now
            if self._run is None and now - self._active < AWAKE_SECONDS:
                self._prepare()

    def _prepare(self) -> None:
        """Have the service get ready for the next check."""
        get_ready(self.session, self.slug)
