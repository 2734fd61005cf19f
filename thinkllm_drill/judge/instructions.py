"""How many bytecodes a call executes: the cost of what Python itself does."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_set_trace, _get_trace, _set_profile, _get_profile = sys.settrace, sys.gettrace, sys.setprofile, sys.getprofile
OURS = __name__.partition(".")[0]
Packages = tuple[str, ...]
FOREIGN = frozenset(("numpy", "scipy", "torch", "pandas", "numba", "sklearn"))
"""Packages whose work shows in no bytecode of the attempt's."""


class Untraced(RuntimeError):
    """The attempt replaced what counts its instructions."""

    def __init__(self) -> None:
        super().__init__("sys.settrace and sys.setprofile are in use: the instructions of this call are counted")


def count(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, int, Packages]:
    """The result of a call, the bytecodes executed by it, and which of the `FOREIGN` packages it entered."""
    counter = _Steps()
    before = _get_trace(), _get_profile()
    threading.settrace(counter.trace)
    _set_profile(counter.called)
    trace, called = _get_trace, _get_profile
    _set_trace(counter.trace)
    try:
        value = function(*args, **kwargs)
        kept = trace() == counter.trace and called() == counter.called
    finally:
        _set_trace(before[0])
        _set_profile(before[1])
        threading.settrace(before[0])
    if not kept:
        raise Untraced
    return value, counter.executed, tuple(sorted(counter.packages & FOREIGN))


class _Steps:
    def __init__(self) -> None:
        self.executed = 0
        self.packages: set[str] = set()
        self._within: dict[int, types.FrameType] = {}  # by thread: the frame of ours that it is in

    def trace(self, frame: types.FrameType, event: str, _: Any) -> Any:
        """Count the frames of the attempt and of the libraries that it calls, but nothing that we call."""
        if event == "opcode":
            self.executed += 1
        elif event == "call":
            thread = threading.get_ident()
            if thread in self._within:
                return None
            package = str(frame.f_globals.get("__name__")).partition(".")[0]
            self.packages.add(package)
            frame.f_trace_lines = False
            if package == OURS:
                self._within[thread] = frame
                return self._leave
            if package in FOREIGN:
                return None
            frame.f_trace_opcodes = True
        return self.trace

    def _leave(self, frame: types.FrameType, event: str, _: Any) -> Any:
        if event == "return":
            self._within.pop(threading.get_ident(), None)
        return self._leave

    def called(self, _: types.FrameType, event: str, function: Any) -> None:
        """Note the package of a function of C."""
        if event == "c_call" and threading.get_ident() not in self._within:
            owner = getattr(function, "__module__", None) or type(getattr(function, "__self__", None)).__module__
            self.packages.add(str(owner).partition(".")[0])
