"""What has been sent to a runner and not been answered: in order, and partly before anybody asks for the answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 64 << 10
"""Of the scripts under way at a time: a runner takes them while we do something else."""


class Astray(BaseException):
    """A scenario leaves its script, the rest of which has been done with its objects: it has to begin anew.

    Not for an `except Exception` in a scenario.
    """


def asks(request: Mapping[str, Any]) -> tuple[str, ...]:
    """What a request is for, its arguments apart."""
    return request["op"], *(part for part in request.get("target", ()) if isinstance(part, str))


@dataclass(frozen=True)
class Frame:
    """A request as it is sent: its number, what it is for, the message."""

    number: int
    asks: tuple[str, ...]
    message: bytes = field(repr=False)


@dataclass(frozen=True)
class Script:
    """The requests of one scenario.

    `functions` are those that they refer to: source and number, see `Attempt.local`.
    """

    frames: tuple[Frame, ...]
    functions: Mapping[str, int]

    @property
    def size(self) -> int:
        """Bytes to send."""
        return sum(len(frame.message) for frame in self.frames)


@dataclass
class UnderWay:
    """The requests to one runner that are not done with."""

    owed: deque[int] = field(default_factory=deque)
    """Numbers of those without an answer, in the order of sending: a runner answers one after the other."""
    scripts: deque[Script] = field(default_factory=deque)
    """Sent ahead, and their scenario has not begun."""
    expected: deque[Frame] = field(default_factory=deque)
    """Those of the scenario that runs, which it has not asked for."""
    begun: bool = False
    """Whether it has asked for some."""
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the scripts."""
        return sum(script.size for script in self.scripts)

    def send_ahead(self, script: Script) -> None:
        """Note a script that is being sent."""
        self.scripts.append(script)
        self.owed.extend(frame.number for frame in script.frames)

    def begin(self, script: Script | None) -> None:
        """The scenario of this script begins; its answers are taken from what was sent, if it was."""
        self.expected.clear()
        self.begun = False
        if script is not None and self.scripts and self.scripts[0] is script:
            self.expected.extend(self.scripts.popleft().frames)

    def number_of(self, request: Mapping[str, Any]) -> int | None:
        """The number under which a request was sent ahead, None if it was not.

        Raises:
            Astray: others of the scenario were, and are done.
        """
        if self.expected and self.expected[0].asks == asks(request):
            self.begun = True
            return self.expected.popleft().number
        astray = bool(self.expected) and self.begun
        self.expected.clear()
        if astray:
            raise Astray
        return None

    def answer(self, reply: dict[str, Any]) -> None:
        """Note a reply; ValueError where it is one to another question than the next."""
        number = self.owed.popleft()
        if reply.get("number", number if "raised" in reply else None) != number:
            raise ValueError("an answer to another question")
        self.answers[number] = reply
