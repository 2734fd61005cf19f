"""Notices when a file is saved, by looking at it again and again.

A `stat` every few milliseconds costs next to nothing, and works where notifications do not: on network mounts, under
WSL, and with editors that write another file and rename it.
"""

from __future__ import annotations

import ast
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from thinkllm_drill.errors import ThinkLLMError

SETTLE_SECONDS = 0.1
"""What looks half-written is taken for the whole when it has stayed so for so long."""
MISSING_SECONDS = 0.5
"""A file is gone when it has been away for so long; editors take one away for a moment."""
RECHECK_SECONDS = (0.3, 2.2)
"""When to read the file again after a save: one more within the clock's resolution looks like no save."""


@dataclass(frozen=True)
class Saved:
    """The file was saved, and holds this."""

    source: bytes


@dataclass(frozen=True)
class Gone:
    """The file is not there any more."""


@dataclass(frozen=True)
class Unreadable:
    """The file was changed and cannot be read as an attempt."""

    error: ThinkLLMError


News = Saved | Gone | Unreadable
_State = tuple[int, int, int]


class SavedFile:
    """One file that somebody edits; `poll` tells what happened to it.

    Args:
        path: the file.
        read: what it holds; a ThinkLLMError where it cannot be read.
        clock: a monotonic clock.
    """

    def __init__(self, path: Path, read: Callable[[Path], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._read = read
        self._clock = clock
        self._told: _State | None = None
        self._content_told: bytes | ThinkLLMError | None = None
        self._pending: tuple[_State, float] | None = None
        self._away: float | None = None
        self._is_gone = False
        self._rechecks: list[float] = []

    def poll(self) -> News | None:
        """What happened to the file since the last call; None if nothing did, or it is not over."""
        now = self._clock()
        state = self._stat()
        if state is None:
            return self._missing(now)
        self._away, self._is_gone = None, False
        if state == self._told:
            return self._recheck(now)
        if self._pending is None or self._pending[0] != state:
            self._pending = state, now
        found = self._content()
        if self._stat() != state or (_is_doubtful(found) and now - self._pending[1] < SETTLE_SECONDS):
            return None
        return self._tell(state, now, found)

    def is_current(self) -> bool:
        """Whether the file is still as it was last told of."""
        return self._stat() == self._told

    def again(self) -> None:
        """Have the next poll tell of the file as it is, changed or not."""
        self._told = self._pending = None
        self._is_gone = False

    def _stat(self) -> _State | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116  (called forty times a second)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _missing(self, now: float) -> Gone | None:
        self._pending = self._told = None
        self._away = now if self._away is None else self._away
        if self._is_gone or now - self._away < MISSING_SECONDS:
            return None
        self._is_gone = True
        return Gone()

    def _content(self) -> bytes | ThinkLLMError:
        try:
            return self._read(self.path)
        except ThinkLLMError as error:
            return error

    def _tell(self, state: _State, now: float, found: bytes | ThinkLLMError) -> Saved | Unreadable:
        self._told, self._content_told, self._pending = state, found, None
        self._rechecks = [now + seconds for seconds in RECHECK_SECONDS]
        return Saved(found) if isinstance(found, bytes) else Unreadable(found)

    def _recheck(self, now: float) -> Saved | Unreadable | None:
        if not self._rechecks or now < self._rechecks[0]:
            return None
        del self._rechecks[0]
        found = self._content()
        same = found == self._content_told or not isinstance(found, bytes)
        return None if same or self._told is None else self._tell(self._told, now, found)


def _is_doubtful(found: bytes | ThinkLLMError) -> bool:
    """Whether a file may be half-written: it cannot be read, is empty, or is no Python."""
    if not isinstance(found, bytes) or not found.strip():
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(found)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return False
