"""Writes files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path


def write_atomically(path: Path, data: str | bytes) -> Path:
    """`path`, now holding `data`; a reader sees the old content or the new, never a part.

    A symbolic link is followed, so that a file kept elsewhere stays there; the mode of an existing file is kept.

    Raises:
        OSError: the folder cannot be written.
    """
    target = Path(os.path.realpath(path))
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    staged = _stage(target, data, mode)
    try:
        staged.replace(target)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return path


def write_exclusively(path: Path, data: str | bytes) -> Path:
    """`path`, created with `data` as a whole.

    Raises:
        FileExistsError: something is there already; it is left as it is.
        OSError: the folder cannot be written.
    """
    staged = _stage(path, data, None)
    try:
        try:
            os.link(staged, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            claim(path)
            staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    return path


def claim(path: Path) -> None:
    """Create `path` as an empty file that nobody else has.

    Raises:
        FileExistsError: something is there already.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def _stage(target: Path, data: str | bytes, mode: int | None) -> Path:
    """A finished file beside `target`, with the mode that a newly created file gets unless `mode` says otherwise."""
    import tempfile

    content = data.encode("utf-8") if isinstance(data, str) else data
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    staged = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # file systems without modes
            staged.chmod(_new_file_mode() if mode is None else mode)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return staged


def _new_file_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
