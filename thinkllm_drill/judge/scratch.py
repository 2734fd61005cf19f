"""The folder that an attempt may write to: how much is in it, and how to be rid of it whatever was done there."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from thinkllm_drill.judge import limits
from thinkllm_drill.judge.failures import LimitExceeded
from thinkllm_drill.locale import text

LONGEST_PATH = 2000


def demand_room(folder: Path) -> None:
    """LimitExceeded where more was written to the folder than a runner may keep there.

    The system limits each file, not their sum. Folders nested deeper than paths can be long count as too much.
    """
    files = size = 0
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                files += 1
                with contextlib.suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                too_long = len(entry.path) - len(str(folder)) > LONGEST_PATH
                if too_long or files > limits.SCRATCH_FILES or size > limits.SCRATCH_BYTES:
                    raise LimitExceeded(
                        text("grading.disk_limit", megabytes=limits.SCRATCH_BYTES >> 20, files=limits.SCRATCH_FILES)
                    )


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it: however deep, locked or full of links.

    Folders are moved up and emptied one by one, so that no path grows long and nothing recurses, as `shutil.rmtree`
    does until Python gives up.
    """
    prefix, number = secrets.token_hex(4), 0
    for _ in range(1_000_000):
        found = _entries(folder)
        if not found:
            break
        gone = 0
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                for inner in _entries(Path(entry.path)):
                    number += 1
                    _up_or_away(inner, folder / f"{prefix}-{number}")
            gone += _unlink(entry)
        if not gone:
            break
    with contextlib.suppress(OSError):
        folder.rmdir()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
        with os.scandir(folder) as entries:
            return list(entries)
    return []


def _up_or_away(entry: os.DirEntry[str], target: Path) -> None:
    if not entry.is_dir(follow_symlinks=False):
        _unlink(entry)
        return
    with contextlib.suppress(OSError):
        Path(entry.path).chmod(0o700)
        Path(entry.path).rename(target)


def _unlink(entry: os.DirEntry[str]) -> bool:
    path = Path(entry.path)
    try:
        if entry.is_dir(follow_symlinks=False):
            path.rmdir()
        else:
            path.unlink()
    except OSError:
        return False
    return True
