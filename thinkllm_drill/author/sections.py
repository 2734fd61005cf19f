"""The parts of a README that are written by `thinkllm dev render`, each between two marks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A part of a text, told by the lines before and after it."""

    begin: str
    end: str

    def __str__(self) -> str:
        return f"{self.begin.strip()} … {self.end.strip()}"

    def is_in(self, text: str) -> bool:
        """Whether a text has a place for it."""
        return self.begin in text and self.end in text

    def put(self, text: str, written: str) -> str:
        """The text with this in the place of what is between the marks."""
        before, rest = text.split(self.begin, 1)
        return f"{before}{self.begin}\n{written}\n{self.end}{rest.split(self.end, 1)[1]}"
