"""A check that runs beside the command line: what happens in it is fetched, and it can be called off."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from thinkllm_drill.verdict import Check, CheckRequest, Verdict


@dataclass(frozen=True)
class Status:
    """What is being waited for."""

    words: str


@dataclass(frozen=True)
class Planned:
    """The checks to come."""

    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Ended:
    """One check has ended."""

    check: Check


@dataclass(frozen=True)
class Failed:
    """There will be no verdict."""

    error: Exception


Happening = Status | Planned | Ended | Verdict | Failed


class Run:
    """One check in a thread of its own.

    Args:
        request: what is graded.
        service: whether by the warm service.
        wake: called, in that thread, when something happened.
    """

    def __init__(self, request: CheckRequest, *, service: bool, wake: Callable[[], None]) -> None:
        from thinkllm_drill.judge.client import Cancel

        self.request = request
        self._service = service
        self._wake = wake
        self._happened: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._cancel = Cancel()
        self._thread = threading.Thread(target=self._grade, daemon=True)
        self._thread.start()

    def happened(self) -> list[Happening]:
        """What happened since the last call; the last of all is a Verdict or Failed."""
        found = []
        while True:
            try:
                found.append(self._happened.get_nowait())
            except queue.Empty:
                return found

    def cancel(self, *, wait: float = 0.0) -> None:
        """Call it off, and wait so many seconds for its end."""
        self._cancel()
        if wait:
            self._thread.join(wait)

    def on_status(self, words: str) -> None:
        """What is being waited for."""
        self._tell(Status(words))

    def on_plan(self, checks: list[Check]) -> None:
        """The checks to come."""
        self._tell(Planned(tuple(checks)))

    def on_check(self, check: Check) -> None:
        """A check has ended."""
        self._tell(Ended(check))

    def _tell(self, happening: Happening) -> None:
        self._happened.put(happening)
        self._wake()

    def _grade(self) -> None:
        from thinkllm_drill.judge.client import Cancelled, check

        try:
            self._tell(check(self.request, self, service=self._service, cancel=self._cancel))
        except Cancelled:
            pass
        except Exception as error:
            self._tell(Failed(error))
