"""The small screen on which an interview is begun: its kind and its minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from thinkllm_drill.cli.cells import visible, wrap_text
from thinkllm_drill.cli.mock_view_draw import Frame, Message, clip, footer
from thinkllm_drill.cli.output import count
from thinkllm_drill.cli.screen import Screen
from thinkllm_drill.locale import current, text

if TYPE_CHECKING:
    from thinkllm_drill.interview.picker import Wishes
    from thinkllm_drill.interview.profiles import Profile

STEP, LEAST, MOST = 5, 5, 240
"""Minutes: what one key adds, and between what."""


@dataclass(frozen=True)
class Start:
    """What was chosen so far.

    Args:
        profiles: the kinds there are.
        chosen: which of them, from 1; 0 for none in particular.
        minutes: how long.
        messages: why it could not begin.
    """

    profiles: Sequence[Profile]
    chosen: int = 0
    minutes: int = 45
    messages: Sequence[Message] = ()

    def press(self, key: str) -> Start:
        """What is chosen after a key."""
        match key:
            case "up" | "down":
                step = 1 if key == "down" else -1
                return replace(self, chosen=(self.chosen + step) % (len(self.profiles) + 1), messages=())
            case "left" | "right" | "-" | "+" | "=":
                step = -STEP if key in ("left", "-") else STEP
                return replace(self, minutes=min(max(self.minutes + step, LEAST), MOST), messages=())
        return self

    @property
    def wishes(self) -> Wishes:
        """The interview that was chosen."""
        from thinkllm_drill.interview.picker import Wishes

        return Wishes(minutes=self.minutes, profile=self.profiles[self.chosen - 1] if self.chosen else None)


def draw(start: Start, screen: Screen) -> Frame:
    """The start screen; no line is wider than the screen, and there are no more than it has."""
    arrows, sides = ("↑↓", "←→") if screen.unicode else ("up/down", "left/right")
    some = [("Enter", "start"), (arrows, "profile"), (sides, "minutes"), ("q", "leave")]
    keys = footer(screen, [(key, text(f"mockview.keys.{name}")) for key, name in some])
    minutes = f"< {screen.paint(count('minutes', start.minutes), 'bold')} >"
    head = [screen.paint(text("mockview.start.title"), "title"), minutes]
    about = text("mockview.start.any_about") if not start.chosen else start.profiles[start.chosen - 1].about[current()]
    told = [screen.paint(part, "dim") for part in wrap_text(about, screen.width)]
    for message in start.messages:
        told += [screen.paint(part, message.style) for part in wrap_text(visible(message.words), screen.width)]
    if screen.height >= 16:
        head, told = [head[0], "", head[1], ""], ["", *told]
    room = max(screen.height - len(head) - len(told) - len(keys), 1)
    lines = [*head, *_kinds(start, screen, room), *told][: max(screen.height - len(keys), 0)]
    lines += [""] * (screen.height - len(keys) - len(lines)) + keys
    return Frame([clip(line, screen.width) for line in lines[: screen.height]])


def _kinds(start: Start, screen: Screen, room: int) -> list[str]:
    """As many of the kinds as there is room for, the chosen one among them."""
    names = [text("mockview.start.any"), *(profile.here for profile in start.profiles)]
    first = min(max(start.chosen - room // 2, 0), max(len(names) - room, 0))
    lines = []
    for number, name in list(enumerate(names))[first : first + room]:
        mark = screen.symbol("here") if number == start.chosen else " "
        lines.append(f"{screen.paint(mark, 'heading')} {screen.paint(name, 'bold' if number == start.chosen else '')}")
    return lines
