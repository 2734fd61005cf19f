"""What a runner gives up before it loads an attempt.

Everything here is done from inside the process that is to be confined, before any line of the attempt runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import tempfile
from functools import cache
from pathlib import Path

from thinkllm_drill.judge import landlock, seccomp

PACKAGE = Path(__file__).resolve().parents[1]
SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc", "/opt", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"),
    *("/sys/devices/system", "/sys/kernel/mm", "/sys/fs/cgroup", "/dev"),
)
DEVICES = tuple(Path(f"/dev/{name}") for name in ("null", "zero", "full", "random", "urandom"))

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
KEEP = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT", "TRITON_INTERPRET", "CUDA_VISIBLE_DEVICES")


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent goes (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def become_subreaper() -> bool:
    """Adopt orphaned descendants, so that they can be found and killed; whether the system can."""
    return sys.platform == "linux" and _prctl(PR_SET_CHILD_SUBREAPER, 1) == 0


@cache
def readable(content: tuple[Path, ...] = ()) -> tuple[Path, ...]:
    """What a confined process may read: the system's libraries and Python's, without us, our content and our tests."""
    checkout = PACKAGE.parent
    hidden = {PACKAGE, *content}
    if (checkout / "solutions").is_dir():
        hidden.add(checkout)
    libraries = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    roots = [Path(path) for path in (*SYSTEM, sys.base_prefix, sys.prefix, sys.exec_prefix, *libraries)]
    roots = [root.resolve() for root in roots if root.exists()]
    outermost = [root for root in dict.fromkeys(roots) if not any(other in root.parents for other in roots)]
    return tuple(path for root in outermost for path in landlock.without(root, hidden))


def walls() -> tuple[bool, bool]:
    """Whether this system has Landlock, and whether it has seccomp with a table for this processor."""
    off = os.environ.get("THINKLLM_SANDBOX") == "off"
    return (not off and landlock.version() > 0, not off and seccomp.available())


def enter(scratch: Path) -> None:
    """Confine this process: its folder is `scratch`, its environment is bare, it can gain no privileges.

    Where the kernel has Landlock it reads the system's and Python's files alone and writes to `scratch` alone; where it
    has seccomp it makes no sockets and no processes. Without them it is confined as far as the rest goes.
    """
    has_landlock, has_seccomp = walls()
    os.chdir(scratch)
    for name in set(os.environ) - set(KEEP):
        del os.environ[name]
    os.environ |= {"HOME": str(scratch), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    if sys.platform == "linux":
        _forget_environment(scratch)
    tempfile.tempdir = str(scratch)  # the parent has looked it up already
    sys.dont_write_bytecode = True
    # nor can it import from a checkout, where the references lie; our own modules are found by their package
    sys.path[:] = [entry for entry in sys.path if entry not in ("", ".") and not (Path(entry) / "solutions").is_dir()]
    if sys.platform == "linux":
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if has_landlock:
        landlock.restrict(
            [*readable(), Path(f"/proc/{os.getpid()}")], [scratch, *(path for path in DEVICES if path.exists())]
        )
    if has_seccomp:
        seccomp.restrict()


def _forget_environment(scratch: Path) -> None:
    """Wipe what this process was started with, which /proc/self/environ keeps showing.

    TMPDIR is left there: it is how processes that belong to a scratch folder are found.
    """
    for name in list(os.environ):
        os.environ[name] = os.environ.pop(name)  # makes C keep a copy of its own
    fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    if 0 < start < end:
        mark = b"TMPDIR=" + os.fsencode(scratch)
        ctypes.memmove(start, mark[: end - start - 1].ljust(end - start, b"\0"), end - start)


def close_other_descriptors(keep: set[int]) -> None:
    """Close every descriptor above 2 that is not in `keep` (on Windows, where none is inherited, nothing)."""
    if sys.platform == "win32":
        return
    folder = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    for number in [int(entry.name) for entry in Path(folder).iterdir()]:
        if number > 2 and number not in keep:
            with contextlib.suppress(OSError):
                os.close(number)


def _prctl(option: int, value: int) -> int:
    return int(ctypes.CDLL(None).prctl(option, value, 0, 0, 0))
