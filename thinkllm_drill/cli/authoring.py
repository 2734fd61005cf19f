"""What the verbs of `thinkllm dev` share: which exercises are meant, and how far a long run is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, TypeVar

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.screen import Screen
from thinkllm_drill.cli.session import Session

T = TypeVar("T")
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

    def at(self, done: int, slug: str) -> None:
        """So many exercises are done, this one last."""
        self.done, self.slug = done, slug
        self.show("")

    def each(self, slugs: Sequence[str], work: Callable[[str], T], at_a_time: int = 1) -> Iterator[T]:
        """What `work` makes of each exercise, in their order; so many are worked on at a time."""
        from thinkllm_drill.author.side_by_side import side_by_side

        def begun(slug: str) -> T:
            self.slug = slug
            return work(slug)

        self.done = 0
        for result in side_by_side(begun, slugs, at_a_time):
            yield result
            self.done += 1
            self.show("")
        self.end()

    def show(self, label: str) -> None:
        """What of it is being looked at."""
        if time.monotonic() - self.began > _BAR_AFTER:
            filled = _BAR_WIDTH * self.done // self.total
            bar = "#" * filled + "." * (_BAR_WIDTH - filled)
            self.screen.transient(f"[{bar}] {self.done}/{self.total}  {self.slug}  {label}")

    def end(self) -> None:
        """Take it away."""
        self.screen.clear()
