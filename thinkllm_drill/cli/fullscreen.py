"""The alternate screen of a terminal: lines are shown on it without flicker, and it is left as it was found."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from thinkllm_drill.cli.screen import Screen

_ENTER = "\x1b[?1049h\x1b[?7l\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?7h\x1b[0m\x1b[?1049l"


def size_of(screen: Screen) -> tuple[int, int] | None:
    """The columns and rows of the terminal behind a screen; None where there is none, or it does not tell."""
    try:
        columns, rows = os.get_terminal_size(screen.stream.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    return (columns, rows) if columns > 0 and rows > 0 else None


class FullScreen:
    """Shows lines on the alternate screen; a context manager.

    Only the lines that changed are written, in one piece and past the buffer of the stream, so that it can be left
    from the handler of a signal.
    """

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self._descriptor = screen.stream.fileno()
        self._encoding = screen.stream.encoding or "ascii"
        self._shown: list[str] = []
        self._active = False

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()

    def enter(self) -> None:
        """Turn to the alternate screen."""
        if not self._active:
            self.screen.stream.flush()
            self._active = True
            self._write(_ENTER)
        self.measure()

    def leave(self) -> None:
        """Turn back to what was there before."""
        if self._active:
            self._active = False
            self._write(_LEAVE)

    @contextlib.contextmanager
    def released(self) -> Iterator[None]:
        """What was there before, until the block ends: for an editor."""
        self.leave()
        try:
            yield
        finally:
            self.enter()

    def measure(self) -> None:
        """Take the size of the terminal as it is now; the next lines are all drawn anew."""
        self.screen.width, self.screen.height = size_of(self.screen) or (self.screen.width, self.screen.height)
        self._shown = []
        if self._active:
            self._write("\x1b[2J")

    def show(self, lines: Sequence[str], cursor: tuple[int, int] | None = None) -> None:
        """Show these lines, no wider than the screen and no more than it has, and the cursor at (row, column)."""
        before, rows = self._shown, self.screen.height
        new = [*lines[:rows], *[""] * (rows - len(lines))]
        out = [
            f"\x1b[{row + 1};1H\x1b[2K{line}"
            for row, line in enumerate(new)
            if row >= len(before) or before[row] != line
        ]
        self._shown = new
        out.append("\x1b[?25l" if cursor is None else f"\x1b[{cursor[0] + 1};{cursor[1] + 1}H\x1b[?25h")
        if self._active and (len(out) > 1 or cursor is not None):
            self._write("".join(out))

    def _write(self, words: str) -> None:
        if sys.platform == "win32":  # the console takes text, not bytes
            self.screen.stream.write(words)
            self.screen.stream.flush()
            return
        data = words.encode(self._encoding, "backslashreplace")
        with contextlib.suppress(OSError):  # the terminal has gone
            while data:
                data = data[os.write(self._descriptor, data) :]
