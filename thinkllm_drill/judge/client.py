"""The command line's side of the service: find it, start it, ask it. Imports neither torch nor pytest."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from thinkllm_drill import __version__
from thinkllm_drill.errors import InternalError, ThinkLLMError
from thinkllm_drill.folders import runtime_dir
from thinkllm_drill.judge import requests
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import Check, CheckRequest, Verdict

PACKAGE = Path(__file__).resolve().parents[1]
WATCHED = (".", "judge", "grading", "content", "locale/en", "locale/zh")
LOG_BYTES = 1 << 20
KERNELS = "-k"
"""The end of the name of the socket of the service for kernels."""
CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Without a service it still works."""


class CheckEvents(Protocol):
    """Told what happens while an attempt is graded."""

    def on_status(self, text: str) -> None:
        """What is being waited for."""

    def on_plan(self, checks: list[Check]) -> None:
        """The checks to come, none of them run yet."""

    def on_check(self, check: Check) -> None:
        """A check has ended."""


@dataclass(frozen=True)
class ServiceStatus:
    """Whether the service of this interpreter runs, and what it takes."""

    running: bool
    pid: int | None = None
    started_at: float | None = None
    key: str = ""
    resident_bytes: int | None = None
    socket: Path | None = None


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


def check(request: CheckRequest, events: CheckEvents, *, service: bool, cancel: Cancel | None = None) -> Verdict:
    """Have an attempt graded, by the warm service or in a process of its own.

    If the service is killed in the middle it is started once more and asked again.

    Raises:
        Cancelled: `cancel` was called meanwhile.
    """
    message = requests.check_request(request)
    cancel = cancel or Cancel()
    told: set[str] = set()
    for attempt in range(2):
        try:
            for event in ask(
                message, service=service, on_wait=lambda: events.on_status(text("grading.starting")), cancel=cancel
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
    message: dict[str, Any], *, service: bool, on_wait: Any = None, cancel: Cancel | None = None
) -> Iterator[dict[str, Any]]:
    """The events that answer one request, as they arrive.

    `on_wait` is called once if nothing has come after 0.2 s.

    Raises:
        _Gone: the service ended before its last event, or `cancel` was called.
        Cancelled: `cancel` was called before the request was sent.
    """
    process: subprocess.Popen[bytes] | None = None
    kernels = _has_kernels(message)
    connection = _connected(kernels=kernels) if service and hasattr(socket, "AF_UNIX") else None
    if connection is None:
        connection, process = _foreground(kernels=kernels)
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
            _end(process)


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


def died() -> InternalError:
    """The error to raise where the service ended without an answer."""
    words = [text("grading.service_died"), text("grading.service_log", file=log_file())]
    return InternalError("\n".join(words), hint="thinkllm doctor")


def raise_problem(event: dict[str, Any]) -> None:
    """Raise what the service told of: the user's error, or ours."""
    if "exit_code" in event:
        error = ThinkLLMError(event["message"], hint=event["hint"])
        error.exit_code = int(event["exit_code"])
        raise error
    raise InternalError(text("grading.internal", error=event["message"]) + "\n" + event.get("traceback", ""))


# the service process


def forks() -> bool:
    """Whether this system's service forks its judges and runners: Linux, unless THINKLLM_PROCESSES says "spawn"."""
    return sys.platform == "linux" and os.environ.get("THINKLLM_PROCESSES") != "spawn"


def key() -> str:
    """What a service must have in common with us: `<interpreter, mode>-<torch, package, the code it has loaded>`."""
    whose = _hash([sys.executable, sys.version, os.environ.get("THINKLLM_PROCESSES", "")])[:8]
    parts = [__version__]
    with contextlib.suppress(metadata.PackageNotFoundError):
        parts.append(metadata.version("torch"))
    for folder in WATCHED:
        for path in sorted((PACKAGE / folder).iterdir()):
            if path.suffix in (".py", ".toml"):
                state = path.stat()
                parts.append(f"{path.name}:{state.st_mtime_ns}:{state.st_size}")
    return f"{whose}-{_hash(parts)[:10]}"


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _socket(*, kernels: bool) -> Path:
    """Where the service listens; that for kernels, which has Triton's interpreter, is a second one."""
    return runtime_dir() / f"{key()}{KERNELS if kernels else ''}.sock"


def _has_kernels(message: Mapping[str, Any]) -> bool:
    """Whether a request is about an exercise of Triton kernels, and Triton is installed."""
    from thinkllm_drill.content.library import Library

    if "slug" not in message or "content" not in message:
        return False
    try:
        needs = Library(Path(message["content"])).exercise(message["slug"]).needs
    except (ThinkLLMError, TypeError):  # the judge tells of it
        return False
    return "triton" in needs and find_spec("triton") is not None


def _retire_others(path: Path) -> None:
    """Ask services of ours with older code to end once they are idle."""
    whose, code = path.stem.removesuffix(KERNELS).split("-")
    for other in path.parent.glob(f"{whose}-*.sock"):
        if other.stem.removesuffix(KERNELS) == f"{whose}-{code}":
            continue
        connection = _try_connect(other)
        if connection is not None:
            with connection, contextlib.suppress(OSError):
                connection.sendall(requests.dump({"type": "retire"}))
        other.unlink(missing_ok=True)


def start_service_in_background(slug: str, content: Path, lang: str) -> None:
    """Start the service unless it runs, and have it get ready to check an exercise; waits for neither."""
    if hasattr(socket, "AF_UNIX"):
        message = {"type": "prepare", "slug": slug, "content": str(content), "lang": lang}
        connection = _connected(kernels=_has_kernels(message))
        if connection is not None:
            with connection:
                connection.sendall(requests.dump(message))


def service_status() -> ServiceStatus:
    """The state of the service for this interpreter and version."""
    name, usual = key(), _socket(kernels=False)
    for path in (usual, _socket(kernels=True)):
        event = _said(path, "status")
        if event is not None:
            return ServiceStatus(True, event["pid"], event["started"], name, _resident(event["pid"]), path)
    return ServiceStatus(False, key=name, socket=usual)


def stop_service() -> bool:
    """End the service, and that for kernels; whether one ran."""
    return any([_said(_socket(kernels=kernels), "stop") is not None for kernels in (False, True)])


def _said(path: Path, what: str) -> dict[str, Any] | None:
    """What the service at a socket answers to a word; None where there is none."""
    connection = _try_connect(path)
    if connection is None:
        return None
    with connection, contextlib.suppress(_Gone, OSError):
        connection.sendall(requests.dump({"type": what}))
        for event in _events(connection, None):
            return event
    return None


def log_file() -> Path:
    """Where the service writes what goes wrong in it."""
    return runtime_dir() / "service.log"


def _connected(*, kernels: bool = False) -> socket.socket | None:
    """A connection to the service, which is started if there is none; None where its folder cannot be written."""
    path = _socket(kernels=kernels)
    connection = _try_connect(path)
    if connection is not None:
        return connection
    try:
        with _lock(path.with_name("start.lock")):
            connection = _try_connect(path)
            if connection is not None:
                return connection
            _start(path, kernels=kernels)
    except OSError as error:
        if error.errno in CANNOT_WRITE:
            return None
        raise
    connection = _try_connect(path)
    if connection is None:
        raise died()
    return connection


def _try_connect(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return connection


def _start(path: Path, *, kernels: bool) -> None:
    """Start a service on a socket that listens at once: requests wait there while torch is imported."""
    path.unlink(missing_ok=True)
    _retire_others(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
        log = log_file()
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.unlink(missing_ok=True)
        with log.open("ab") as output:
            subprocess.Popen(
                [sys.executable, "-P", "-m", "thinkllm_drill.judge.service", "--listen", str(listener.fileno())],
                pass_fds=(listener.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=path.parent,
                env=_environment(kernels=kernels),
                start_new_session=True,
            )


def _foreground(*, kernels: bool) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A service for one request, that ends with us."""
    command = [sys.executable, "-P", "-m", "thinkllm_drill.judge.service", "--once"]
    if sys.platform != "win32":
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env=_environment(kernels=kernels),
                start_new_session=True,
            )
        return ours, process
    token = secrets.token_hex(16)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [*command, f"{port}:{token}"], stdin=subprocess.DEVNULL, env=_environment(kernels=kernels)
        )
        listener.settimeout(60)
        while True:
            connection, _ = listener.accept()
            if connection.recv(len(token)) == token.encode():
                return connection, process
            connection.close()


def _environment(*, kernels: bool) -> dict[str, str]:
    ours = {"PYTHONPATH": str(PACKAGE.parent), "OPENBLAS_NUM_THREADS": "1"}
    return os.environ | ours | ({"TRITON_INTERPRET": "1"} if kernels else {})


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a service of our own, which ends with our connection; its judges and runners end with it."""
    for end in (process.terminate, process.kill):
        try:
            process.wait(3)
            return
        except subprocess.TimeoutExpired:
            end()
    process.wait()


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    import fcntl

    with path.open("w") as file:
        deadline = time.monotonic() + 30
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise died() from None
                time.sleep(0.02)
        yield


def _resident(pid: int) -> int | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
