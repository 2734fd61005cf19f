"""The folders outside the home: sockets of the background process, and what can be made again."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from thinkllm_drill.errors import EnvironmentProblem
from thinkllm_drill.locale import text

_LONGEST = 70
"""Bytes of a runtime folder's path: the shortest Unix socket address holds 104, and the file's name follows."""


def short_path(path: Path | str) -> str:
    """A path as people write it: with ~ for the home folder."""
    path = Path(path)
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)


def cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of what can be made again: THINKLLM_CACHE_DIR, or the platform's; it may not exist yet."""
    environ = os.environ if environ is None else environ
    if given := environ.get("THINKLLM_CACHE_DIR"):
        return Path(given).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("thinkllm", appauthor=False))


def runtime_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of sockets, which exists, belongs to the user and is closed to everybody else.

    THINKLLM_RUNTIME_DIR, or the platform's; where that cannot be had or is too long for the address of a Unix socket, a
    folder in the temporary one whose name follows from it.

    Raises:
        EnvironmentProblem: none can be had.
    """
    environ = os.environ if environ is None else environ
    if given := environ.get("THINKLLM_RUNTIME_DIR"):
        wanted = Path(given).expanduser().absolute()
    else:
        wanted = _platform_runtime_dir()
    candidates = [wanted, wanted / f"thinkllm-{_user()}"] + [_temporary(base, wanted) for base in _temporary_bases()]
    for candidate in candidates:
        if len(os.fsencode(candidate)) <= _LONGEST and _made_private(candidate):
            return candidate
    raise EnvironmentProblem(text("progress.runtime.none", path=wanted), hint=text("progress.runtime.none_hint"))


def _platform_runtime_dir() -> Path:
    import warnings

    import platformdirs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        return Path(platformdirs.user_runtime_dir("thinkllm", appauthor=False))


def _temporary_bases() -> list[Path]:
    """The temporary folder, and the shortest one there is, should the first be too long."""
    import tempfile

    bases = [Path("/tmp")] if os.name == "posix" else []
    with contextlib.suppress(OSError):  # where the disk is full there is none that can be used
        bases.insert(0, Path(tempfile.gettempdir()))
    return bases


def _temporary(base: Path, wanted: Path) -> Path:
    from hashlib import sha256

    return base / f"thinkllm-{_user()}-{sha256(os.fsencode(wanted)).hexdigest()[:8]}"


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _made_private(folder: Path) -> bool:
    """Whether `folder` now is the user's alone; the mode of one that exists is never changed."""
    if not _trusted_parent(folder):
        return False
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.lstat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return folder.is_dir()
    closed = stat.S_ISDIR(state.st_mode) and stat.S_IMODE(state.st_mode) & 0o077 == 0
    return closed and state.st_uid == os.getuid() and os.access(folder, os.W_OK | os.X_OK)


def _trusted_parent(folder: Path) -> bool:
    """Whether nobody else can rename what lies in the nearest parent that exists."""
    if not hasattr(os, "getuid"):
        return True
    try:
        parent = next(parent for parent in folder.parents if parent.exists()).stat()
    except (OSError, StopIteration):
        return False
    shared = bool(parent.st_mode & 0o022)
    sticky = bool(parent.st_mode & stat.S_ISVTX)
    return parent.st_uid in (0, os.getuid()) and (sticky or not shared)
