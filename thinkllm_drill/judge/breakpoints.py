"""`breakpoint()` in the learner's terminal: pdb that shows the learner's frames and not ours."""

from __future__ import annotations

import contextlib
import os
import pdb
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

_OURS = "thinkllm_drill"


@contextlib.contextmanager
def our_breakpoints() -> Iterator[None]:
    """`breakpoint()` that does not step into us; one that the learner chose (PYTHONBREAKPOINT) stays."""
    before = sys.breakpointhook
    if not os.environ.get("PYTHONBREAKPOINT") and before is sys.__breakpointhook__:
        sys.breakpointhook = _stop_here
    try:
        yield
    finally:
        sys.breakpointhook = before


class Debugger(pdb.Pdb):
    """pdb whose stack begins where the learner's code does.

    Args:
        file: the name of the learner's file in frames.
    """

    def __init__(self, file: str) -> None:
        super().__init__(skip=[f"{_OURS}.*"])
        self._file = file

    def get_stack(self, f: FrameType | None, t: TracebackType | None) -> tuple[list[tuple[FrameType, int]], int]:
        """The frames that `where`, `up` and `down` show, and the place of the current one."""
        whole, place = super().get_stack(f, t)
        current = whole[place][0] if whole else None
        first = next((n for n, (frame, _) in enumerate(whole) if frame.f_code.co_filename == self._file), 0)
        own = [entry for entry in whole[first:] if entry[0] is current or not _is_ours(entry[0])]
        places = [number for number, (frame, _) in enumerate(own) if frame is current]
        return (own, places[-1]) if places else (whole, place)


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == _OURS


def _stop_here(*_: Any, **__: Any) -> None:
    frame = sys._getframe(1)
    Debugger(frame.f_code.co_filename).set_trace(frame)
