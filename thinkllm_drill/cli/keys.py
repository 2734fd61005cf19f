"""Single keys from the terminal, without Enter, and a terminal that is left as it was found.

    with open_keys() as keys:
        while (key := keys.read(1.0)) != "q":
            ...

A key is the character that was typed, or a name: "enter", "esc", "tab", "backspace", "up", "down", "left", "right",
"home", "end", "pageup", "pagedown", "insert", "delete", "ctrl-a" to "ctrl-z". Two are told that nobody pressed:
"resize" when the terminal has another size, and "resume" when the program goes on after it was stopped.

Ctrl-C and Ctrl-Z keep their meaning to the system, so that a program that hangs can still be ended. An interrupt that
comes while a key is waited for is the key "ctrl-c", at any other time it is a KeyboardInterrupt. The end of input is
"ctrl-d".
"""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import signal
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self, TextIO

_NAMES = {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace"}
_SEQUENCES = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_SEQUENCES |= {"1~": "home", "2~": "insert", "3~": "delete", "4~": "end", "5~": "pageup", "6~": "pagedown"}
_SEQUENCES |= {"7~": "home", "8~": "end"}
_CONSOLE = {"H": "up", "P": "down", "K": "left", "M": "right", "G": "home", "O": "end", "I": "pageup", "Q": "pagedown"}
_CONSOLE |= {"R": "insert", "S": "delete"}

_ESCAPE_SECONDS = 0.03
"""An Esc is a key of its own when nothing has followed it for so long."""
_CONSOLE_SECONDS = 0.01
_DEADLY = ("SIGTERM", "SIGHUP", "SIGQUIT")


class Keys:
    """Waits for keys; this one has no terminal and never gets any, but can be woken. A context manager."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self.before_stop: Callable[[], None] | None = None
        """Called before the program stops at Ctrl-Z, for what else it did to the terminal."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was found."""

    def read(self, timeout: float) -> str | None:
        """The next key; None if none came within `timeout` seconds, or `wake` was called."""
        try:
            self._woken.wait(timeout)
        except KeyboardInterrupt:
            return "ctrl-c"
        self._woken.clear()
        return None

    def wake(self) -> None:
        """Have `read` return; may be called from any thread."""
        self._woken.set()

    @contextlib.contextmanager
    def released(self) -> Iterator[None]:
        """The terminal as it was found until the block ends: for a pager, an editor, or a line to be typed."""
        yield


def open_keys(stream: TextIO | None = None) -> Keys:
    """The keys typed on a terminal, standard input by default; `Keys` that gets none where it is no terminal."""
    stream = sys.stdin if stream is None else stream
    try:
        if stream is None or not stream.isatty():
            return Keys()
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return Keys()
    if sys.platform == "win32":
        return _Console()
    return _Terminal(descriptor)


class Decoder:
    """Turns what a terminal sends into keys."""

    def __init__(self) -> None:
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""

    @property
    def unfinished(self) -> bool:
        """Whether there is an Esc that may be a key of its own or the beginning of another."""
        return bool(self._pending)

    def feed(self, data: bytes) -> list[str]:
        """The keys that are complete with these bytes."""
        self._pending += self._characters.decode(data)
        keys = []
        while self._pending:
            key, used = _first(self._pending)
            if not used:
                break
            self._pending = self._pending[used:]
            keys += [key] if key else []
        return keys

    def flush(self) -> list[str]:
        """The keys that were begun, when nothing more comes."""
        keys = [_named(character) for character in self._pending]
        self._pending = ""
        return keys


def _first(text: str) -> tuple[str, int]:
    """The first key of what was typed ("" for one without a name) and its length; 0 where it is not complete."""
    if text[0] != "\x1b":
        return _named(text[0]), 1
    if len(text) == 1 or (text[1] in "[O" and len(text) == 2):
        return "", 0
    if text[1] not in "[O":
        return "esc", 1
    end = next((index for index, char in enumerate(text[2:], 2) if "@" <= char <= "~"), None)
    if end is None:
        return "", 0 if len(text) < 32 else len(text)
    number, last = text[2:end].split(";")[0], text[end]
    return _SEQUENCES.get(number + last if last == "~" else last, ""), end + 1


def _named(character: str) -> str:
    if character in _NAMES:
        return _NAMES[character]
    if character == "\x1b":
        return "esc"
    if "\x01" <= character <= "\x1a":
        return f"ctrl-{chr(ord(character) + 96)}"
    return unicodedata.normalize("NFKC", character)  # an input method may type ｑ


if sys.platform == "win32":
    import msvcrt

    class _Console(Keys):
        """The keys of a Windows console, which gives each key by itself as it is."""

        def read(self, timeout: float) -> str | None:
            """The next key; None if none came in time, or `wake` was called."""
            deadline = time.monotonic() + timeout
            try:
                while not msvcrt.kbhit():
                    left = deadline - time.monotonic()
                    if left <= 0 or self._woken.wait(min(left, _CONSOLE_SECONDS)):
                        self._woken.clear()
                        return None
                character = msvcrt.getwch()
                if character in ("\x00", "\xe0"):
                    return _CONSOLE.get(msvcrt.getwch())
            except KeyboardInterrupt:
                return "ctrl-c"
            return _named(character)

else:
    import termios

    class _Terminal(Keys):
        """The keys of a Unix terminal."""

        def __init__(self, descriptor: int) -> None:
            super().__init__()
            self._descriptor = descriptor
            self._found = termios.tcgetattr(descriptor)
            self._taken = False
            self._decoder = Decoder()
            self._keys: list[str] = []
            self._wake_read, self._wake_write = os.pipe()
            os.set_blocking(self._wake_read, False)
            os.set_blocking(self._wake_write, False)
            self._closed = False
            self._handlers: dict[int, Any] = {}

        def __enter__(self) -> Self:
            if threading.current_thread() is threading.main_thread():
                self._handle("SIGWINCH", lambda *_: self._tell("resize"))
                self._handle("SIGCONT", self._continued)
                self._handle("SIGTSTP", self._stop)
                for name in _DEADLY:
                    self._handle(name, self._die)
            self._take()
            return self

        def close(self) -> None:
            """Leave the terminal as it was found."""
            if self._closed:
                return
            self._closed = True
            self._give_back()
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            ends = self._wake_read, self._wake_write
            self._wake_read = self._wake_write = -1  # somebody may still call `wake`
            for end in ends:
                os.close(end)

        def read(self, timeout: float) -> str | None:
            """The next key; None if none came in time, or `wake` was called."""
            deadline = time.monotonic() + timeout
            try:
                while not self._keys:
                    left = deadline - time.monotonic()
                    patience = min(left, _ESCAPE_SECONDS) if self._decoder.unfinished else left
                    ready = self._wait(max(patience, 0.0))
                    if self._wake_read in ready:
                        self._drain()
                        if not self._keys:
                            return None
                    elif self._descriptor in ready:
                        self._keys += self._typed()
                    elif self._decoder.unfinished:
                        self._keys += self._decoder.flush()
                    elif left <= 0:
                        return None
                return self._keys.pop(0)
            except KeyboardInterrupt:
                return "ctrl-c"

        def wake(self) -> None:
            """Have `read` return; may be called from any thread."""
            with contextlib.suppress(OSError):  # full, which wakes as well, or closed
                os.write(self._wake_write, b"w")

        @contextlib.contextmanager
        def released(self) -> Iterator[None]:
            """The terminal as it was found until the block ends; an interrupt is for whoever has it then."""
            interrupt = signal.getsignal(signal.SIGINT)
            self._give_back()
            try:
                if threading.current_thread() is threading.main_thread():
                    signal.signal(signal.SIGINT, lambda *_: None)
                yield
            finally:
                if threading.current_thread() is threading.main_thread():
                    signal.signal(signal.SIGINT, interrupt)
                self._take()

        def _wait(self, seconds: float) -> list[int]:
            """What can be read: the terminal is ours to read only while we are in its foreground."""
            ours = self._in_foreground()
            if ours and not self._taken:
                self._take()
            watched = [self._wake_read, self._descriptor] if ours else [self._wake_read]
            return select.select(watched, [], [], seconds)[0]

        def _typed(self) -> list[str]:
            try:
                data = os.read(self._descriptor, 4096)
            except OSError:  # the terminal has gone
                data = b""
            return self._decoder.feed(data) if data else ["ctrl-d"]

        def _drain(self) -> None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)

        def _in_foreground(self) -> bool:
            try:
                return os.tcgetpgrp(self._descriptor) == os.getpgrp()
            except OSError:  # not the terminal of our session: nobody else reads it
                return True

        def _take(self) -> None:
            """Have keys given one by one, and not shown."""
            if not self._in_foreground():
                return
            modes = termios.tcgetattr(self._descriptor)
            modes[3] &= ~(termios.ICANON | termios.ECHO)
            modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._descriptor, termios.TCSANOW, modes)
            self._taken = True

        def _give_back(self) -> None:
            if self._taken and self._in_foreground():
                with contextlib.suppress(termios.error):  # it has gone
                    termios.tcsetattr(self._descriptor, termios.TCSANOW, self._found)
            self._taken = False

        # signals

        def _handle(self, name: str, handler: Any) -> None:
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, and shells without job control
                self._handlers[number] = signal.signal(number, handler)

        def _tell(self, key: str) -> None:
            self._keys.append(key)
            self.wake()

        def _stop(self, number: int, frame: FrameType | None) -> None:
            """Stop as Ctrl-Z wants it, with the terminal as it was found."""
            if self.before_stop is not None:
                self.before_stop()
            self._give_back()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            signal.signal(number, self._stop)

        def _continued(self, *_: object) -> None:
            self._taken = False  # the shell may have set the terminal for itself
            self._tell("resume")

        def _die(self, number: int, frame: FrameType | None) -> None:
            """End, and have everything that is left in order on the way out."""
            raise SystemExit(128 + number)
