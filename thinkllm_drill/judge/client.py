"""The command line's side of the service: ask it, and listen. Imports neither torch nor pytest."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from thinkllm_drill.errors import InternalError, ThinkLLMError
from thinkllm_drill.judge import requests
from thinkllm_drill.judge.daemon import connected, died, end, foreground
from thinkllm_drill.locale import text
from thinkllm_drill.packages import missing
from thinkllm_drill.verdict import Check, CheckRequest, Verdict


class CheckEvents(Protocol):
    """Told what happens while an attempt is graded."""

    def on_status(self, text: str) -> None:
        """What is being waited for."""

    def on_plan(self, checks: list[Check]) -> None:
        """The checks to come, none of them run yet."""

    def on_check(self, check: Check) -> None:
        """A check has ended."""


class _Gone(Exception):
    """The service ended in the middle of an answer."""


class Cancelled(Exception):
    """The check was called off by whoever asked for it."""


class Cancel:
    """Calls a check off, from another thread: when its client hangs up the service kills the judge."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._called = False

    def __call__(self) -> None:
        """Call it off, now or as soon as it begins."""
        with self._lock:
            self._called = True
            if self._connection is not None:
                with contextlib.suppress(OSError):  # it is over
                    self._connection.shutdown(socket.SHUT_RDWR)

    def hold(self, connection: socket.socket) -> None:
        """Hang up this connection when the check is called off."""
        with self._lock:
            self._connection = connection
        self.demand()

    def demand(self) -> None:
        """Raise Cancelled where the check was called off."""
        if self._called:
            raise Cancelled


def check(
    request: CheckRequest,
    events: CheckEvents,
    *,
    service: bool,
    cancel: Cancel | None = None,
    kernels: bool | None = None,
) -> Verdict:
    """Have an attempt graded, by the warm service or in a process of its own.

    If the service is killed in the middle it is started once more and asked again.

    Args:
        request: what is graded.
        events: told what happens.
        service: whether by the warm service.
        cancel: calls it off.
        kernels: whether the service for kernels is wanted, see `has_kernels`; looked up where it is not said.
    Raises:
        Cancelled: `cancel` was called meanwhile.
    """
    message = requests.check_request(request)
    cancel = cancel or Cancel()
    told: set[str] = set()
    for attempt in range(2):
        try:
            for event in ask(
                message,
                service=service,
                on_wait=lambda: events.on_status(text("grading.starting")),
                cancel=cancel,
                kernels=kernels,
            ):
                cancel.demand()
                if event["event"] == "plan":
                    events.on_plan([Check.from_json(row) for row in event["checks"]])
                elif event["event"] == "check":
                    ended = Check.from_json(event["check"])
                    if ended.id not in told:
                        told.add(ended.id)
                        events.on_check(ended)
                elif event["event"] == "verdict":
                    return Verdict.from_json(event["verdict"])
                elif event["event"] == "problem":
                    raise_problem(event)
        except _Gone:
            cancel.demand()
            if attempt == 0:
                events.on_status(text("grading.service_gone"))
    raise died()


def run_example(slug: str, doctest: str, content: Path, *, service: bool = True) -> list[str]:
    """What is wrong with a statement's example when it is run on the reference."""
    message = {"type": "example", "slug": slug, "doctest": doctest, "content": str(content)}
    for event in ask(message, service=service):
        if event["event"] == "result":
            return list(event["problems"])
        if event["event"] == "problem":
            return [str(event["message"])]
    return []


def ask(
    message: dict[str, Any],
    *,
    service: bool,
    on_wait: Any = None,
    cancel: Cancel | None = None,
    kernels: bool | None = None,
) -> Iterator[dict[str, Any]]:
    """The events that answer one request, as they arrive.

    `on_wait` is called once if nothing has come after 0.2 s.

    Raises:
        _Gone: the service ended before its last event, or `cancel` was called.
        Cancelled: `cancel` was called before the request was sent.
    """
    process: subprocess.Popen[bytes] | None = None
    if kernels is None:
        kernels = _about_kernels(message)
    connection = connected(kernels=kernels) if service and hasattr(socket, "AF_UNIX") else None
    if connection is None:
        connection, process = foreground(kernels=kernels)
    try:
        with connection:
            if cancel is not None:
                cancel.hold(connection)
            try:
                connection.sendall(requests.dump(message))
            except OSError:
                raise _Gone from None
            yield from _events(connection, on_wait)
    finally:
        if process is not None:
            end(process)


def _events(connection: socket.socket, on_wait: Any) -> Iterator[dict[str, Any]]:
    buffer = b""
    connection.settimeout(0.2)
    while True:
        try:
            piece = connection.recv(1 << 16)
        except TimeoutError:
            connection.settimeout(None)
            if on_wait is not None:
                on_wait()
            continue
        except OSError:
            raise _Gone from None
        connection.settimeout(None)
        if not piece:
            raise _Gone
        *lines, buffer = (buffer + piece).split(b"\n")
        for line in lines:
            event = json.loads(line)
            yield event
            if event["event"] in ("verdict", "result", "problem", "status"):
                return


def raise_problem(event: dict[str, Any]) -> None:
    """Raise what the service told of: the user's error, or ours."""
    if "exit_code" in event:
        error = ThinkLLMError(event["message"], hint=event["hint"])
        error.exit_code = int(event["exit_code"])
        raise error
    raise InternalError(text("grading.internal", error=event["message"]) + "\n" + event.get("traceback", ""))


def start_service_in_background(slug: str, content: Path, lang: str) -> None:
    """Start the service unless it runs, and have it get ready to check an exercise; waits for neither."""
    if hasattr(socket, "AF_UNIX"):
        message = {"type": "prepare", "slug": slug, "content": str(content), "lang": lang}
        connection = connected(kernels=_about_kernels(message))
        if connection is not None:
            with connection:
                connection.sendall(requests.dump(message))


def has_kernels(needs: Collection[str]) -> bool:
    """Whether an exercise with these needs is graded by the service for kernels: Triton is needed, and installed."""
    return "triton" in needs and not missing(["triton"])


def _about_kernels(message: Mapping[str, Any]) -> bool:
    """Whether a request is about an exercise of Triton kernels, and Triton is installed."""
    from thinkllm_drill.content.library import Library

    if "slug" not in message or "content" not in message:
        return False
    try:
        return has_kernels(Library(Path(message["content"])).exercise(message["slug"]).needs)
    except (ThinkLLMError, TypeError):  # the judge tells of it
        return False
