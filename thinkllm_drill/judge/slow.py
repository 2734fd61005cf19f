"""Tells from a thread where a call of the learner's code is that does not come back, and ends it where asked to."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection
from types import FrameType

FIRST_SECONDS = 10.0
"""A call that takes so long is told of."""
_THEN = 3.0
"""The next time it is told of is after so many times as long."""
_LOOK_SECONDS = 0.2
_DEBUGGERS = ("bdb", "pdb", "IPython", "ipdb", "pudb", "debugpy", "_pydevd_bundle", "pydevd")

Told = Callable[[int, str, float], None]
"""Told the line, the function and how many seconds it took so far."""


class Watcher:
    """Watches the calls that the main thread, which makes it, begins.

    Args:
        files: the names of the learner's files in frames.
        told: told where a long call is; called in another thread.
        limit: interrupt the thread when a call takes more seconds than this.
    """

    def __init__(self, files: Collection[str | None], told: Told, limit: float | None = None) -> None:
        self.expired = False
        """Whether the call was interrupted for the limit."""
        self._files, self._told, self._limit = files, told, limit
        self._main = threading.get_ident()
        self._since: float | None = None
        self._over = threading.Event()
        if limit is not None and not callable(signal.getsignal(signal.SIGINT)):
            # started in the background of a script, where interrupts are ignored
            signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self) -> None:
        """A call begins."""
        self._next, self.expired = FIRST_SECONDS, False
        self._since = time.monotonic()

    def end(self) -> None:
        """The call is over."""
        self._since = None

    def close(self) -> None:
        """Nothing is watched any more."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            since = self._since
            if since is None:
                continue
            if self._stopped():
                self.begin()
                continue
            spent = time.monotonic() - since
            if self._limit is not None and spent >= self._limit:
                self._since, self.expired = None, True
                _thread.interrupt_main()
            elif spent >= self._next and (frame := self._own()) is not None:
                self._next *= _THEN
                self._told(frame.f_lineno, frame.f_code.co_name, spent)

    def _frames(self) -> list[FrameType]:
        """Those of the thread that is watched, the innermost first."""
        frame, found = sys._current_frames().get(self._main), []
        while frame is not None:
            found.append(frame)
            frame = frame.f_back
        return found

    def _own(self) -> FrameType | None:
        """The innermost of the learner's frames."""
        return next((frame for frame in self._frames() if frame.f_code.co_filename in self._files), None)

    def _stopped(self) -> bool:
        """Whether a debugger has the thread."""
        return any(str(each.f_globals.get("__name__")).partition(".")[0] in _DEBUGGERS for each in self._frames())
