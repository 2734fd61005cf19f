"""A small process beside an interview: keeps what is saved, so that closing the terminal loses nothing.

It runs until the interview is over; any `mock` command starts it again where it has gone. It imports no torch.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from thinkllm_drill.errors import ThinkLLMError

LOOK_SECONDS = 0.5
"""Between two looks at the files."""

LOCK = ".recorder"

_started: list[subprocess.Popen[bytes]] = []
"""Processes that outlive this one; Python warns of any that nobody holds."""


def ensure(folder: Path, home: Path) -> None:
    """Start a recorder for the interview of this folder, unless one runs or none can be started."""
    with contextlib.suppress(OSError):
        held = _hold(folder)
        if held is None:
            return
        held.close()
        package = Path(__file__).resolve().parents[2]
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "thinkllm_drill.interview.recorder", str(folder), str(home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(package)},
            start_new_session=True,
        )
        _started.append(process)


def _hold(folder: Path) -> IO[str] | None:
    """The lock of an interview's recorder, held while the file is open; None if another one holds it."""
    file = (folder / LOCK).open("a")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def record(folder: Path, home: Path) -> None:
    """Keep what is saved in the files of an interview until it is over."""
    from thinkllm_drill.interview.log import Log
    from thinkllm_drill.interview.snapshots import Snapshots
    from thinkllm_drill.progress.store import Store
    from thinkllm_drill.settings import load
    from thinkllm_drill.workspace import Workspace

    settings = load({"home": str(home)}, os.environ, lenient=True)

    def now() -> datetime:
        return datetime.now(UTC)

    with Store.open(settings.database, create=False, now=now) as store:
        log, snapshots = Log(store), Snapshots(store, Workspace(settings), now)
        while True:
            with contextlib.suppress(ThinkLLMError):  # locked or full for a while: the next look tries again
                interview = log.all().get(folder.name)
                if interview is None:
                    return
                snapshots.take(interview)
                if interview.finished_at is not None or interview.remaining(now()) == 0:
                    return
            if not folder.is_dir():
                return
            time.sleep(LOOK_SECONDS)


def main(arguments: list[str]) -> None:
    """Entry of the recorder process."""
    folder, home = map(Path, arguments)
    held = _hold(folder)
    if held is not None:
        with held:
            record(folder, home)


if __name__ == "__main__":
    main(sys.argv[1:])
