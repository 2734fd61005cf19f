"""Judges as the service knows them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from thinkllm_drill.judge.runners import RunnerChild

Subject = tuple[str, str, str]
"""The exercise, the content root and the language of a check."""


@dataclass
class Judge:
    """A judge: our end of its control socket, our copy of its client's connection, what it grades.

    One that waits for its request has no client yet.
    """

    pid: int
    control: socket.socket
    client: socket.socket | None
    grades: Subject | None
    runners: dict[int, RunnerChild] = field(default_factory=dict)


def fork(become: Callable[[socket.socket], NoReturn]) -> tuple[int, socket.socket] | None:
    """Fork what `become` makes of its end of a control socket: process id and our end; None if no fork can be had."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        pid = os.fork()
    except OSError:  # too many processes
        ours.close()
        theirs.close()
        return None
    if pid == 0:
        ours.close()
        become(theirs)
    theirs.close()
    return pid, ours


def subject_of(message: dict[str, Any]) -> Subject | None:
    """What a request is about, where a judge could be prepared for one like it."""
    values = (message.get("slug"), message.get("content"), message.get("lang", "en"))
    known = message.get("type") in ("check", "prepare") and all(isinstance(value, str) for value in values)
    return values if known else None  # type: ignore[return-value]
