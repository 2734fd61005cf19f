"""What the verbs of `thinkllm dev` share: which exercises are meant, and how far a long run is."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.screen import Screen
from thinkllm_drill.cli.session import Session

Slugs = Annotated[
    list[str] | None,
    typer.Argument(metavar="SLUG", autocompletion=completion.slugs, help="The exercises; all of them by default."),
]
_BAR_AFTER = 2.0
_BAR_WIDTH = 24


def wanted(session: Session, slugs: list[str] | None) -> list[str]:
    """The exercises that are named, or all."""
    return [session.library.resolve(name) for name in slugs] if slugs else session.library.slugs()


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Bar:
    """Tells on a terminal how far a long run is, once it takes longer than two seconds."""

    def __init__(self, session: Session, total: int, screen: Screen | None = None) -> None:
        self.screen = screen or session.err
        self.total = total
        self.done = -1
        self.slug = ""
        self.began = time.monotonic()

    def begin(self, slug: str) -> None:
        """One more exercise."""
        self.done += 1
        self.slug = slug
        self.show("")

    def at(self, done: int, slug: str) -> None:
        """So many exercises are done, this one last."""
        self.done, self.slug = done, slug
        self.show("")

    def show(self, label: str) -> None:
        """What of it is being looked at."""
        if time.monotonic() - self.began > _BAR_AFTER:
            filled = _BAR_WIDTH * self.done // self.total
            bar = "#" * filled + "." * (_BAR_WIDTH - filled)
            self.screen.transient(f"[{bar}] {self.done}/{self.total}  {self.slug}  {label}")

    def end(self) -> None:
        """Take it away."""
        self.screen.clear()
