"""What an output stream can show, and writing to it: styles, width, transient lines."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from thinkllm_drill.cli.cells import Span, cut
from thinkllm_drill.folders import short_path as short_path

_SGR = {
    "title": "1",
    "heading": "1;36",
    "bold": "1",
    "emphasis": "3",
    "dim": "2",
    "ok": "32",
    "bad": "31",
    "warn": "33",
    "code": "36",
    "added": "32",
    "removed": "31",
}
_SYMBOLS = {"ok": "✓+", "bad": "✗x", "skip": "\u2013-", "new": "·.", "going": "\u203a>", "here": "▸*"}
"""The symbols of states, each with what stands for it where the encoding lacks it."""
_READABLE = 100
"""Running text is not set wider than this, however wide the terminal."""


class Screen:
    """One output stream: whether it is a terminal, takes colour and cursor moves, and how wide it is."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str], *, color: str = "auto") -> None:
        self.stream = stream
        self.is_terminal = _is_terminal(stream)
        self.moves = self.is_terminal and environ.get("TERM", "") != "dumb"
        self.color = color == "always" or (self.moves and color == "auto" and not environ.get("NO_COLOR"))
        self.measure()
        self.unicode = _encodes(stream, "✓✗·…▸█\u2013\u203a")
        self._transient = False

    def measure(self) -> None:
        """Take the size of the terminal as it is now."""
        columns, lines = shutil.get_terminal_size((80, 24))
        self.width, self.height = max(columns, 20), max(lines, 4)

    @property
    def text_width(self) -> int:
        """How wide running text is set."""
        return min(self.width, _READABLE)

    def paint(self, text: str, style: str) -> str:
        """`text` in a style, if this stream shows colour."""
        if not self.color or not style or not text:
            return text
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m"

    def paint_spans(self, spans: Iterable[Span]) -> str:
        """The spans of one line in their styles."""
        return "".join(self.paint(span.text, span.style) for span in spans)

    def symbol(self, name: str) -> str:
        """The symbol of a state: ok, bad, skip, new, going, here."""
        return _SYMBOLS[name][0 if self.unicode else 1]

    def write(self, text: str = "", *, end: str = "\n") -> None:
        """Write a line, below whatever transient line there was."""
        self.clear()
        self._send(text + end)

    def transient(self, text: str) -> None:
        """Show a line that the next write takes away; nothing where the cursor cannot move."""
        if self.moves:
            self._send("\r\x1b[2K" + self.paint(cut(text, self.width - 1), "dim"))
            self._transient = True

    def clear(self) -> None:
        """Take the transient line away."""
        if self._transient:
            self._transient = False
            self._send("\r\x1b[2K")

    def rewind(self, lines: int) -> None:
        """Take the last `lines` lines away; only where the cursor moves."""
        if self.moves and lines:
            self._send(f"\x1b[{lines}A\x1b[J")

    def _send(self, text: str) -> None:
        """Write and flush; when the reader has gone, go on in silence, for the exit code still means something."""
        try:
            self.stream.write(text)
            self.stream.flush()
        except BrokenPipeError:
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, self.stream.fileno())
            os.close(silent)


def to_json(value: Any, stream: TextIO) -> str:
    """`value` as one line of JSON that `stream` can carry."""
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if _encodes(stream, text) else json.dumps(value)


def tame_streams() -> None:
    """Never fail on a character that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if os.name == "nt" and _is_terminal(sys.stdout):
        os.system("")  # makes the old Windows console understand escape sequences


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (ValueError, AttributeError):
        return False


def _encodes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
