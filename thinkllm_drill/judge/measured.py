"""What one of an author's many sources got."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What one source got on one seed.

    `check`, `kind` and `check_status` are of the first check that did not pass, `diagnosis` is the known mistake behind
    it, where it is like one alone; it is like `alike` of them. `margin` is the largest error of what was right, in
    the case `margin_case`, `ratio` that of the wrong values, as parts of what is allowed.
    """

    source: int
    seed: str
    status: str
    check: str = ""
    kind: str = ""
    check_status: str = ""
    message: str = ""
    diagnosis: str | None = None
    alike: int = 0
    margin: float = 0.0
    margin_case: str = ""
    ratio: float | None = None
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether it was accepted."""
        return self.status in ("passed", "passed_speed_unmeasured")

    @property
    def rejected(self) -> bool:
        """Whether it was not, for a reason of its own."""
        return self.status in ("failed", "error", "not_started")
