"""What a runner gives up before it loads an attempt.

Everything here is done from inside the process that is to be confined, before any line of the attempt runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

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


def enter(scratch: Path) -> None:
    """Confine this process: its folder is `scratch`, its environment is bare, it can gain no privileges."""
    os.chdir(scratch)
    for name in set(os.environ) - set(KEEP):
        del os.environ[name]
    os.environ |= {"HOME": str(scratch), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    # nor can it import from a checkout, where the references lie; our own modules are found by their package
    sys.path[:] = [entry for entry in sys.path if entry not in ("", ".") and not (Path(entry) / "solutions").is_dir()]
    if sys.platform == "linux":
        _prctl(PR_SET_NO_NEW_PRIVS, 1)


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
