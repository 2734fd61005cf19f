"""A listener to checks for whoever wants the verdict alone."""

from __future__ import annotations

from collections.abc import Callable

from thinkllm_drill.verdict import Check


class Quiet:
    """Hears that the judge starts, and nothing of what it finds.

    Args:
        on_wait: told what is waited for.
    """

    def __init__(self, on_wait: Callable[[str], None] = lambda words: None) -> None:
        self._on_wait = on_wait

    def on_status(self, text: str) -> None:
        """Say what is waited for."""
        self._on_wait(text)

    def on_plan(self, checks: list[Check]) -> None:
        """Keep quiet."""

    def on_check(self, check: Check) -> None:
        """Keep quiet."""
