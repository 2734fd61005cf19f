"""A judge that waits for its request: the grader is collected and the truth worked out before the attempt is there.

A learner checks the same exercise again and again. Once a verdict is out, the service forks a judge for the next one,
which draws a seed, runs the reference on all that will be asked, writes the questions down, and waits. What it was not
prepared for (another seed, one case only, content that has changed) it grades as any judge does.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill import locale
from thinkllm_drill.content.library import Library
from thinkllm_drill.errors import ThinkLLMError
from thinkllm_drill.grading import ahead, battery
from thinkllm_drill.grading.plugin import Grading, make_session
from thinkllm_drill.grading.suites import Suite
from thinkllm_drill.judge import requests
from thinkllm_drill.judge.kernels import import_interpreted
from thinkllm_drill.judge.launch import Launcher, RunnerProcess
from thinkllm_drill.judge.runner_ahead import AheadLauncher
from thinkllm_drill.judge.session import Emit, run_pytest, serve, session_for, verdict_of

BATTERY = (("values", battery.FORWARD), ("edges", battery.FORWARD), ("gradients", battery.BACKWARD))


def wait_and_serve(
    slug: str,
    content: str,
    lang: str,
    control: socket.socket,
    launcher: Launcher,
    runner: RunnerProcess,
    emitter: Callable[[Any], Emit],
) -> None:
    """Prepare, wait for a request on the control socket, and answer it.

    Args:
        slug: the exercise.
        content: the content root.
        lang: the language that the learner is told in.
        control: where the request comes from, with the connection to answer on.
        launcher: where runners come from.
        runner: the one for the attempt, which nothing has been asked of.
        emitter: what sends events on a connection.
    """
    locale.use(lang)
    standby = _Standby(Library(Path(content)), slug, control, launcher, emitter)
    standby.make_ready(runner)
    with contextlib.suppress(Exception):  # whatever it is: the learner hears of it when they ask
        standby.run()
    if standby.message is None:
        standby.receive()
    serve(standby.message or {}, standby.emit, launcher, None, standby.finish if standby.started else None)


class _Standby:
    """A pytest plugin that has the collected checks wait for the attempt."""

    def __init__(
        self, library: Library, slug: str, control: socket.socket, launcher: Launcher, emitter: Callable[[Any], Emit]
    ) -> None:
        self._library, self._slug, self._control, self._launcher = library, slug, control, launcher
        self._emitter = emitter
        self._state = self._files()
        self.message: dict[str, Any] | None = None
        self.emit: Emit = lambda event: None
        self.started = False
        self._session: Any = None
        self._error: Exception | None = None
        self._code, self._printed, self._start = 0, "", 0.0
        self._runners: Launcher = launcher

    def make_ready(self, runner: RunnerProcess) -> None:
        """Have a runner prepare for the exercise, while we do."""
        with contextlib.suppress(ThinkLLMError):
            exercise = self._library.exercise(self._slug)
            kernels = "triton" in exercise.needs
            self._runners = AheadLauncher(self._launcher, runner, exercise.forbid, kernels=kernels)

    def run(self) -> None:
        """Collect the grader's checks; they wait in `pytest_runtestloop`."""
        if "triton" in self._library.exercise(self._slug).needs:
            import_interpreted()
        self._prepared = make_session(self._library, self._slug, b"", "attempt.py", self._launcher)
        self._plugin = Grading(self._prepared)
        grader = self._library.paths(self._slug).grader
        self._code, self._printed = run_pytest(grader, [self._plugin, self])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool | None:
        """Prepare and wait; the checks then run, unless there is a request that they are not prepared for."""
        with contextlib.suppress(Exception):
            self._prepare()
        message = self.receive()
        self._start = time.monotonic()
        if not self._suits(message):
            return True
        self.started = True
        try:
            request = requests.parse_check(message)
            self._session = session_for(
                request,
                self._library,
                self.emit,
                self._launcher,
                attempt_launcher=self._runners,
                seed=self._prepared.seed,
                truths=self._prepared.truths,
                scripts=self._prepared.scripts,
                state_dicts=self._prepared.state_dicts,
            )
            self._session.known_cases = self._prepared.known_cases
            self._plugin.grade(self._session)
            self._session.on_plan([self._plugin.plan_of(item) for item in self._plugin.items])
        except Exception as error:
            self._error = error
            return True
        return None

    def receive(self) -> dict[str, Any]:
        """Wait for the request; its connection is answered on from then on."""
        data, descriptors, _, _ = socket.recv_fds(self._control, 16, 2)
        if not data or len(descriptors) != 2:
            os._exit(0)  # nobody will ask any more
        self.emit = self._emitter(socket.socket(fileno=descriptors[0]))
        with open(descriptors[1], "rb") as file:  # noqa: PTH123  (a descriptor)
            file.seek(0)
            self.message = requests.load(file.read()) or {}
        return self.message

    def finish(self, request: Any, *_: Any) -> Any:
        """The verdict, once the checks have run; in the place of `judge.session.grade`."""
        if self._error is not None:
            raise self._error
        try:
            verdict = verdict_of(request, self._session, self._plugin, self._code, self._printed, self._start)
            self.emit(requests.verdict_event(verdict))
        finally:
            self._session.attempt.close()
            self._session.suspect.close()
        return verdict

    def _prepare(self) -> None:
        """What the reference shows on all that the battery asks, until there is a request."""
        for suite_class in dict.fromkeys(item.cls for item in self._plugin.items):
            if not (isinstance(suite_class, type) and issubclass(suite_class, Suite)):
                continue
            suite_class.graded = self._prepared
            suite = suite_class()
            for name, kind in BATTERY:
                for probe in battery.probes_of(self._prepared, suite, name) if suite.has(name, ()) else ():
                    if select.select([self._control], [], [], 0)[0]:
                        return
                    with contextlib.suppress(Exception):
                        battery.truth_of(self._prepared, suite, probe, name, kind)
                        ahead.script_of(self._prepared, suite, probe, name, kind)

    def _suits(self, message: dict[str, Any]) -> bool:
        plain = message.get("case") is None and message.get("seed") is None and message.get("device") != "cuda"
        return plain and self._files() == self._state

    def _files(self) -> list[tuple[int, int]]:
        """The state of the files that a grading reads."""
        paths = self._library.paths(self._slug)
        states = []
        for path in (paths.toml, paths.solution, paths.grader, paths.mistakes):
            with contextlib.suppress(OSError):
                state = path.stat()
                states.append((state.st_mtime_ns, state.st_size))
        return states
