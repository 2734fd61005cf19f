"""The service as a process: where it listens, and how it is found, started and ended. Imports no torch."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from thinkllm_drill import __version__
from thinkllm_drill.errors import InternalError
from thinkllm_drill.folders import runtime_dir
from thinkllm_drill.judge import requests
from thinkllm_drill.locale import text

PACKAGE = Path(__file__).resolve().parents[1]
WATCHED = (".", "judge", "grading", "content", "locale/en", "locale/zh")
LOG_BYTES = 1 << 20
KERNELS = "-k"
"""The end of the name of the socket of the service for kernels."""
CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Without a service it still works."""


@dataclass(frozen=True)
class ServiceStatus:
    """Whether the service of this interpreter runs, and what it takes."""

    running: bool
    pid: int | None = None
    started_at: float | None = None
    key: str = ""
    resident_bytes: int | None = None
    socket: Path | None = None


def forks() -> bool:
    """Whether this system's service forks its judges and runners: Linux, unless THINKLLM_PROCESSES says "spawn"."""
    return sys.platform == "linux" and os.environ.get("THINKLLM_PROCESSES") != "spawn"


def key() -> str:
    """What a service must have in common with us: `<interpreter, mode>-<torch, package, the code it has loaded>`."""
    whose = _hash([sys.executable, sys.version, os.environ.get("THINKLLM_PROCESSES", "")])[:8]
    parts = [__version__]
    torch = find_spec("torch")  # its version would have to be looked up by what takes longer than all the rest
    if torch is not None and torch.origin is not None:
        state = Path(torch.origin).with_name("version.py").stat()
        parts.append(f"{torch.origin}:{state.st_mtime_ns}:{state.st_size}")
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


def service_status(*, kernels: bool = False) -> ServiceStatus:
    """The state of the service for this interpreter and version, or of that for kernels."""
    name, path = key(), _socket(kernels=kernels)
    event = _said(path, "status")
    if event is None:
        return ServiceStatus(False, key=name, socket=path)
    return ServiceStatus(True, event["pid"], event["started"], name, _resident(event["pid"]), path)


def stop_service() -> bool:
    """End the service, and that for kernels; whether one ran."""
    return any([_said(_socket(kernels=kernels), "stop") is not None for kernels in (False, True)])


def _said(path: Path, what: str) -> dict[str, Any] | None:
    """What the service at a socket answers to a word; None where there is none."""
    connection = _try_connect(path)
    if connection is None:
        return None
    with connection, contextlib.suppress(OSError):
        connection.sendall(requests.dump({"type": what}))
        with connection.makefile("rb") as answers:
            for line in answers:
                return dict(json.loads(line))
    return None


def log_file() -> Path:
    """Where the service writes what goes wrong in it."""
    return runtime_dir() / "service.log"


def died() -> InternalError:
    """The error to raise where the service ended without an answer."""
    words = [text("grading.service_died"), text("grading.service_log", file=log_file())]
    return InternalError("\n".join(words), hint="thinkllm doctor")


def connected(*, kernels: bool = False) -> socket.socket | None:
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


def foreground(*, kernels: bool) -> tuple[socket.socket, subprocess.Popen[bytes]]:
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
    import secrets

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


def end(process: subprocess.Popen[bytes]) -> None:
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
