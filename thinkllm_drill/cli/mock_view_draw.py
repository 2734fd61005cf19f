"""The full-screen view of an interview as lines: a function of what is shown, the time and the screen, nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from thinkllm_drill.cli.blocks import Block, fit
from thinkllm_drill.cli.cells import char_width, cut, pad, pad_left, visible, width, wrap_text
from thinkllm_drill.cli.mock_show import clock, runs_left, state, time_of
from thinkllm_drill.cli.output import count
from thinkllm_drill.cli.screen import Screen, short_path
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.interview.model import Interview, Problem

BIG_ROWS, BIG_COLUMNS = 16, 50
"""From this size on the time is shown in big digits."""

LAST_FIVE, LAST_MINUTE = 300, 60

_STATES = {
    "open": ("new", "dim"),
    "begun": ("going", ""),
    "run_passed": ("ok", "ok"),
    "run_failed": ("bad", "bad"),
    "submitted_passed": ("ok", "ok"),
    "submitted_failed": ("bad", "bad"),
}
_DIGITS = {
    "0": ("█▀█", "█ █", "▀▀▀"),
    "1": ("▀█ ", " █ ", "▀▀▀"),
    "2": ("▀▀█", "█▀▀", "▀▀▀"),
    "3": ("▀▀█", " ▀█", "▀▀▀"),
    "4": ("█ █", "▀▀█", "  ▀"),
    "5": ("█▀▀", "▀▀█", "▀▀▀"),
    "6": ("█▀▀", "█▀█", "▀▀▀"),
    "7": ("▀▀█", "  █", "  ▀"),
    "8": ("█▀█", "█▀█", "▀▀▀"),
    "9": ("█▀█", "▀▀█", "▀▀▀"),
    ":": ("▄", "▄", " "),
}
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
"""What sets a style."""


@dataclass(frozen=True)
class Message:
    """What the last action came to: words, and the style they are shown in."""

    words: str
    style: str = ""


@dataclass(frozen=True)
class Confirm:
    """A question of the view itself, answered by yes or no."""

    words: str


@dataclass(frozen=True)
class Asking:
    """A question of the interviewer, with what was typed so far."""

    head: str
    ask: str
    typed: str = ""
    caret: int = 0
    trouble: str = ""


@dataclass(frozen=True)
class Page:
    """Lines that are scrolled through: a statement, the help, the result."""

    lines: Sequence[str]
    top: int = 0
    keys: Sequence[tuple[str, str]] = (("esc", "back"),)


@dataclass(frozen=True)
class Look:
    """All that the view shows, but for the time and the screen."""

    interview: Interview
    titles: Mapping[str, str]
    waiting: int = 0
    """Questions that wait."""
    gone: bool = False
    """Whether the file of the problem in focus is missing."""
    messages: Sequence[Message] = ()
    busy: str = ""
    """What is being done."""
    front: Confirm | Asking | Page | None = None
    """What stands in front."""
    stuck: bool = False
    """Whether the interview is over and could not be graded."""


@dataclass(frozen=True)
class Frame:
    """Lines for the whole screen, and where the cursor is; None where there is none."""

    lines: list[str]
    cursor: tuple[int, int] | None = None


def draw(look: Look, now: datetime, screen: Screen) -> Frame:
    """What the screen shows at a moment; no line is wider than the screen, and there are no more than it has."""
    if isinstance(look.front, Page):
        return _page(look, look.front, now, screen)
    head = _head(look, now, screen)
    keys = footer(screen, _keys(look, screen))
    blocks = [Block(0, head), *_blocks(look, now, screen)]
    lines, places = fit(blocks, screen.height - len(keys))
    lines += [""] * (screen.height - len(keys) - len(lines)) + keys
    cursor = None
    if isinstance(look.front, Asking) and places[1] is not None:
        row, room = places[1], screen.width - 3
        shown = _typed(look.front, room)[1]
        cursor = row, min(2 + shown, screen.width - 1)
    return Frame([clip(line, screen.width) for line in lines[: screen.height]], cursor)


def page_rows(screen: Screen) -> int:
    """How many lines of a page are seen at once."""
    return max(screen.height - 3, 1)


def clip(line: str, cells: int) -> str:
    """A line with its styles, shortened to so many cells."""
    plain = ESCAPE.sub("", line)
    if width(plain) <= cells:
        return line
    kept, used, place = [], 0, 0
    for found in [*ESCAPE.finditer(line), None]:
        for char in line[place : found.start() if found else None]:
            used += char_width(char)
            if used <= cells:
                kept.append(char)
        if found:
            kept.append(found[0])
            place = found.end()
    return "".join(kept)


def footer(screen: Screen, keys: Sequence[tuple[str, str]], rows: int = 2) -> list[str]:
    """The keys with what they do, the more important first, in at most so many lines; the last ones may be left out."""
    rows = 1 if screen.height < 10 else rows
    for number in range(len(keys), 0, -1):
        lines: list[list[tuple[str, str]]] = [[]]
        used = 0
        for key, words in keys[:number]:
            size = width(f"{key} {words}")
            if used and used + 3 + size > screen.width:
                lines.append([])
                used = 0
            used += size + (3 if used else 0)
            lines[-1].append((key, words))
        if len(lines) <= rows or number == 1:
            return [
                "   ".join(f"{screen.paint(key, 'heading')} {screen.paint(words, 'dim')}" for key, words in line)
                for line in lines
            ]
    return []


# the parts


def _head(look: Look, now: datetime, screen: Screen) -> list[str]:
    interview = look.interview
    left = interview.remaining(now)
    words, style = _alarm(look, left)
    running = interview.finished_at is None
    until = text("mockview.until", until=time_of(interview.deadline, now)) if running else ""
    title = text("mockview.title", id=interview.id, minutes=count("minutes", interview.minutes))
    if isinstance(look.front, Page) or screen.height < BIG_ROWS or screen.width < BIG_COLUMNS:
        told = text("mockview.compact", clock=clock(left), words=words)
        return [
            f"{screen.paint(told, style)} · {screen.paint(until, 'dim')}" if running else screen.paint(words, style)
        ]
    rows = [" ".join(_DIGITS[char][row] for char in clock(left)) for row in range(3)]
    if not screen.unicode:
        rows = [row.translate({ord("█"): "#", ord("▀"): '"', ord("▄"): "."}) for row in rows]
    beside = [screen.paint(words, style), screen.paint(until, "dim"), screen.paint(title, "dim")]
    return ["", *(f"  {screen.paint(row, style)}    {told}" for row, told in zip(rows, beside, strict=True))]


def _alarm(look: Look, left: float) -> tuple[str, str]:
    """What to say of the time that is left, and the style of it."""
    if look.interview.finished_at is not None or left == 0:
        key = "ended" if look.interview.reason in ("ended", "submitted") else "time_up"
        return text(f"mockview.{key}"), "bad"
    if left <= LAST_MINUTE:
        return text("mockview.last_minute"), "bad"
    if left <= LAST_FIVE:
        return text("mockview.last_five"), "warn"
    return text("mockview.left"), "title"


def _blocks(look: Look, now: datetime, screen: Screen) -> list[Block]:
    interview, cells = look.interview, screen.width
    front = _front(look, screen)
    rows, place, whole = _problems(look, now, screen)
    blocks = [Block(1, front, around=len(front) - 1)]
    blocks.append(Block(4, rows, around=place, least=3, more=lambda count: _more(screen, count)))
    blocks.append(Block(2, _focus(look, screen)))
    blocks.append(Block(6, _saved(look, now, screen, whole=whole), space=False))
    told = [
        screen.paint(line, message.style)
        for message in look.messages
        for line in wrap_text(visible(message.words), cells)
    ]
    if look.busy:
        told += [screen.paint(line, "bold") for line in wrap_text(look.busy, cells)]
    blocks.append(Block(3, told[: max(screen.height // 3, 2)]))
    if interview.clock_back:
        words = text("mock.clock_back", back=clock(interview.clock_back))
        blocks.append(Block(5, [screen.paint(line, "warn") for line in wrap_text(words, cells)]))
    if look.waiting and not isinstance(look.front, Asking) and interview.finished_at is None:
        words = text("mockview.waiting_one") if look.waiting == 1 else text("mockview.waiting", count=look.waiting)
        blocks.append(Block(7, [screen.paint(line, "warn") for line in wrap_text(words, cells)]))
    return blocks


def _more(screen: Screen, count: int) -> str:
    return screen.paint(text("mockview.more_problems", count=count), "dim")


def _front(look: Look, screen: Screen) -> list[str]:
    """What is asked right now; the line that is typed is the last."""
    cells = screen.width
    match look.front:
        case Confirm(words):
            return [screen.paint(line, "warn") for line in wrap_text(words, cells)]
        case Asking(head, ask, _, _, trouble):
            room = max(screen.height - 7, 1)
            lines = [screen.paint(cut(head, cells), "heading")]
            lines += [line for each in visible(ask).split("\n") for line in wrap_text(each, cells)]
            if trouble:
                lines = [
                    *lines[: max(room - 2, 0)],
                    *(screen.paint(each, "warn") for each in wrap_text(trouble, cells)),
                ]
            return [*lines[:room], "> " + _typed(look.front, cells - 3)[0]]
    return []


def _typed(asking: Asking, room: int) -> tuple[str, int]:
    """The part of what was typed that is seen in so many cells, and where in it the caret is."""
    before, after = asking.typed[: asking.caret], asking.typed[asking.caret :]
    while before and width(before) > max(room, 0):
        before = before[1:]
    shown = before
    for char in after:
        if width(shown) + char_width(char) > room:
            break
        shown += char
    return shown, width(before)


def _problems(look: Look, now: datetime, screen: Screen) -> tuple[list[str], int | None, bool]:
    """The table of problems, the line of the one in focus, and whether it has all columns."""
    interview = look.interview
    heads = ["problem", "", "spent", "planned", "runs"]
    names = ["", "", "", *(text(f"mock.head.{head}") if head else "" for head in heads)]
    rows = [_row(number, interview, problem, now, screen) for number, problem in enumerate(interview.problems, 1)]
    place = next((n for n, problem in enumerate(interview.problems) if problem.slug == interview.focus), None)
    styles = ["heading", "dim", "", "bold", "", "", "dim", "dim"]
    for columns in ((0, 1, 2, 3, 4, 5, 6, 7), (0, 1, 2, 3, 4, 5, 7), (0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 4), (0, 2, 3)):
        sizes = {column: max(width(row[column]) for row in rows) for column in columns}
        headed = len(columns) == 8 and sum(max(sizes[c], width(names[c])) for c in columns) + 2 * 7 <= screen.width
        if headed:
            sizes = {column: max(sizes[column], width(names[column])) for column in columns}
        if sum(sizes.values()) + 2 * (len(columns) - 1) <= screen.width:
            break
    lines = []
    for row, problem in zip(rows, interview.problems, strict=True):
        how = _STATES[state(interview, problem)][1]
        cells = []
        for column in columns:
            align = pad_left if column >= 5 else pad
            style = how if column in (2, 4) else styles[column]
            style = "" if column == 3 and problem.slug != interview.focus else style
            cells.append(screen.paint(align(row[column], sizes[column]), style))
        lines.append("  ".join(cells).rstrip())
    if headed:
        told = [(pad_left if c >= 5 else pad)(names[c], sizes[c]) for c in columns]
        lines.insert(0, screen.paint("  ".join(told).rstrip(), "dim"))
    return lines, None if place is None else place + headed, 7 in columns


def _row(number: int, interview: Interview, problem: Problem, now: datetime, screen: Screen) -> list[str]:
    how = state(interview, problem)
    mark = screen.symbol("here") if problem.slug == interview.focus else " "
    spent, left = clock(interview.seconds(problem.slug, now)), max(interview.runs - problem.runs_taken, 0)
    runs = runs_left(left) if problem.open and interview.finished_at is None else ""
    symbol = screen.symbol(_STATES[how][0])
    return [mark, str(number), symbol, problem.slug, text(f"mock.state.{how}"), spent, f"{problem.minutes}:00", runs]


def _focus(look: Look, screen: Screen) -> list[str]:
    interview = look.interview
    if interview.finished_at is not None:
        return []
    if interview.focus is None:
        return [text("mockview.no_focus")]
    problem = interview.problem(interview.focus)
    path = short_path(problem.file)
    if width(path) > screen.width:
        path = "…" + path[-max(screen.width - 1, 1) :]
    return [screen.paint(cut(look.titles.get(problem.slug, problem.slug), screen.width), "bold"), path]


def _saved(look: Look, now: datetime, screen: Screen, *, whole: bool) -> list[str]:
    """When the file was saved, and what the table has no room for."""
    interview = look.interview
    if interview.focus is None or interview.finished_at is not None:
        return []
    if look.gone:
        return [screen.paint(line, "warn") for line in wrap_text(text("mockview.gone"), screen.width)]
    problem = interview.problem(interview.focus)
    words = text("mockview.saved_never")
    if (last := problem.last_saved) is not None:
        ago = int(max((interview.now(now) - last.at).total_seconds(), 0.0))
        long = count("minutes", ago // 60) if ago >= 60 else text("mockview.seconds", count=ago)
        words = text("mockview.saved", ago=long)
    if not whole:
        words += f" · {runs_left(max(interview.runs - problem.runs_taken, 0))}"
    return [screen.paint(words, "dim")]


def _keys(look: Look, screen: Screen) -> list[tuple[str, str]]:
    """The keys that do something now, the more important first."""
    arrows = "↑↓" if screen.unicode else "up/down"
    if isinstance(look.front, Confirm):
        some = [("y", "yes"), ("n", "no")]
    elif isinstance(look.front, Asking):
        some = [("Enter", "answer"), ("Esc", "later")]
    elif look.interview.finished_at is not None:
        some = [("r", "again")] if look.stuck else []
        some += [("q", "leave")]
    else:
        some = [("?", "help"), ("s", "statement"), ("c", "check"), ("u", "submit"), ("q", "leave"), ("e", "edit")]
        some += [("a", "answer")] if look.waiting else []
        some += [("r", "restore")] if look.gone else []
        some += [("f", "finish"), (arrows, "move")]
    return [(key, text(f"mockview.keys.{name}")) for key, name in some]


def _page(look: Look, page: Page, now: datetime, screen: Screen) -> Frame:
    rows = page_rows(screen)
    shown = page.lines[page.top : page.top + rows]
    arrows = "↑↓" if screen.unicode else "up/down"
    keys = [(key, text(f"mockview.keys.{name}")) for key, name in page.keys]
    if len(page.lines) > rows:
        keys.append((arrows, text("mockview.keys.scroll")))
    [last] = footer(screen, keys, 1)
    if len(page.lines) > rows:
        place = text("mockview.more", first=page.top + 1, last=page.top + len(shown), total=len(page.lines))
        last += "   " + screen.paint(place, "dim")
    lines = [*_head(look, now, screen)[:1], "", *shown]
    lines = lines[: screen.height - 1] + [""] * (screen.height - 1 - len(lines)) + [last]
    return Frame([clip(line, screen.width) for line in lines[-screen.height :]])
