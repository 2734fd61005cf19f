"""Pieces of output that several verbs share."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING

from thinkllm_drill.cli.cells import char_width, pad, pad_left, width, wrap_text
from thinkllm_drill.locale import area, current, text

if TYPE_CHECKING:
    from thinkllm_drill.cli.screen import Screen
    from thinkllm_drill.cli.session import Session
    from thinkllm_drill.content.library import Entry

_COMMANDS = ("thinkllm ", "pip ", "python ")
_STATES = {
    "new": ("new", "dim"),
    "started": ("going", "warn"),
    "passed": ("ok", "ok"),
    "passed_speed_unmeasured": ("ok", "ok"),
}


def state(screen: Screen, status: str) -> str:
    """The state of an exercise as a symbol and a word."""
    return f"{screen.symbol(_STATES[status][0])} {text(f'cli.state.{status}')}"


def state_style(status: str) -> str:
    """The style in which a state is shown."""
    return _STATES[status][1]


def facts(entry: Entry) -> str:
    """The facts of an exercise in one line: topic, difficulty, minutes, how often it is asked."""
    return " · ".join(
        (
            topic(entry.topic),
            text(f"cli.difficulty.{entry.difficulty}"),
            text("cli.list.minutes", count=entry.minutes),
            text(f"cli.asked.{entry.asked}"),
        )
    )


def topic(name: str) -> str:
    """A topic as it is read; of one that has no name here, the folder's."""
    words = name.replace("_", " ")
    return str(area("cli", current()).get(f"topic.{name.replace('-', '_')}", words[:1].upper() + words[1:]))


def duration(seconds: float) -> str:
    """A stretch of time in words, in the unit that fits."""
    if seconds < 90:
        return count("seconds", max(round(seconds), 1))
    if seconds < 90 * 60:
        return count("minutes", round(seconds / 60))
    if seconds < 36 * 3600:
        return count("hours", round(seconds / 3600))
    return count("days", round(seconds / 86400))


def count(name: str, number: int) -> str:
    """A number with its noun, in the form that the number asks for."""
    form = {0: "none", 1: "one"}.get(number, "many")
    return text(f"cli.count.{name}.{form}", count=number)


def paragraph(screen: Screen, words: str, *, indent: int = 0) -> str:
    """Running text as lines; a line that is a command is left whole."""
    return "\n".join(" " * indent + line for line in prose(words, screen.text_width - indent))


def prose(words: str, cells: int) -> list[str]:
    """The lines of a message, wrapped; a line that is a command to copy stays as it is."""
    lines: list[str] = []
    for line in words.split("\n"):
        lines += [line] if line.lstrip().startswith(_COMMANDS) else wrap_text(line, cells) or [""]
    return lines


def hints(screen: Screen, steps: Sequence[str]) -> list[str]:
    """What to do next, one step or more, behind the word for it; commands are left whole."""
    label = text("cli.error.hint")
    start = label + ("" if char_width(label[-1]) == 2 else " ")
    room = screen.text_width - width(start)
    lines = [line for step in steps for line in (prose(step, room) if screen.is_terminal else step.split("\n"))]
    first, *more = lines or [""]
    return [screen.paint(label, "heading") + start[len(label) :] + first, *(" " * width(start) + line for line in more)]


def table(
    screen: Screen,
    rows: Sequence[Sequence[str]],
    *,
    styles: Sequence[Sequence[str]] | None = None,
    flexible: int | None = None,
    numbers: Sequence[int] = (),
    indent: int = 0,
) -> list[str]:
    """The rows as aligned lines.

    Args:
        styles: the style of every cell.
        flexible: the column that is wrapped where a terminal is too narrow; its row then has several lines.
        numbers: the columns that are aligned on the right.
        indent: spaces before each line.
    """
    if not rows:
        return []
    sizes = [max(width(row[index]) for row in rows) for index in range(len(rows[0]))]
    if flexible is not None and screen.is_terminal:
        over = indent + sum(sizes) + 2 * (len(sizes) - 1) - screen.width
        sizes[flexible] = max(sizes[flexible] - max(over, 0), 8)
    left = 0 if flexible is None else indent + sum(sizes[:flexible]) + 2 * flexible
    lines = []
    for number, row in enumerate(rows):
        cells, more = [], []
        for index, cell in enumerate(row):
            shown, style = cell, styles[number][index] if styles else ""
            if index == flexible and width(cell) > sizes[index]:
                shown, *rest = wrap_text(cell, sizes[index])
                more = [" " * left + screen.paint(line, style) for line in rest]
            filled = pad_left(shown, sizes[index]) if index in numbers else pad(shown, sizes[index])
            if index == len(row) - 1:
                filled = filled.rstrip()
            cells.append(screen.paint(filled, style))
        lines.append("\n".join([(" " * indent + "  ".join(cells)).rstrip(), *more]))
    return lines


def page(session: Session, content: str) -> None:
    """Show a text, in the pager where it is longer than the terminal."""
    screen, wish = session.out, session.settings.pager
    long = content.count("\n") + 2 > screen.height
    if screen.moves and wish != "never" and (long or wish == "always") and _through_pager(content, session):
        return
    screen.write(content)


def _through_pager(content: str, session: Session) -> bool:
    """Whether a pager could be had and showed the text."""
    command = shlex.split(session.environ.get("PAGER") or "less -R")
    if not command or shutil.which(command[0]) is None:
        return False
    keys = text("cli.pager")  # in LESS a prompt ends with $
    environ = {"LESS": f"-R -F -X -Ps{keys}$", "LESSCHARSET": "utf-8", **session.environ}
    try:
        subprocess.run(command, input=content.encode() + b"\n", env=environ, check=False)
    except BrokenPipeError:
        pass
    except OSError:
        return False
    return True


def highlighted(screen: Screen, code: str) -> str:
    """Python source, with colours where the screen shows them."""
    if not screen.color:
        return code
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters.terminal import TerminalFormatter  # type: ignore[import-untyped]
    from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]

    return str(highlight(code, PythonLexer(ensurenl=False, stripnl=False), TerminalFormatter()))


def ask(session: Session, question: str) -> bool:
    """Whether the user says yes; asks on the terminal, where no is the default."""
    session.err.write(f"{question} [y/N] ", end="")
    try:
        answer = input()
    except EOFError:
        session.err.write()
        return False
    return answer.strip().lower() in ("y", "yes", "是")


def can_ask(session: Session) -> bool:
    """Whether there is somebody to ask."""
    import sys

    return sys.stdin is not None and sys.stdin.isatty() and session.err.is_terminal
