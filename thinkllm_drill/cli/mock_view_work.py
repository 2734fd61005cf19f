"""Grading beside the full-screen view: one thing at a time, in a thread with a session and a database of its own."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from thinkllm_drill.cli.screen import Screen
from thinkllm_drill.cli.session import Session

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Interviewer
    from thinkllm_drill.judge.client import Cancel

Say = Callable[[str], None]
Job = Callable[[Session, "Interviewer", Say], Any]
"""What is done: with a session and an interviewer for this thread alone, telling how far it is."""


class Work:
    """A job that has begun.

    Args:
        session: of the command line; the job gets one like it.
        job: what is done.
        wake: called, in that thread, when there is something to show.
    """

    def __init__(self, session: Session, job: Job, wake: Callable[[], None]) -> None:
        self.says = ""
        """What the job is at."""
        self.result: Any = None
        self.error: BaseException | None = None
        self.notices: list[str] = []
        """What the user should be told of the database."""
        self.done = False
        self._job, self._wake = job, wake
        self._cancel: Cancel | None = None
        self._called_off = False
        self._session = _beside(session)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cancel(self, wait: float = 0.5) -> None:
        """Call it off; what it has not recorded by then never happened."""
        self._called_off = True
        if self._cancel is not None:
            self._cancel()
        self._thread.join(wait)

    def _run(self) -> None:
        from thinkllm_drill.cli.interview import interviewer
        from thinkllm_drill.judge.client import Cancel

        session = self._session
        try:
            self._cancel = Cancel()
            if not self._called_off:
                self.result = self._job(
                    session, interviewer(session, on_wait=self._say, cancel=self._cancel), self._say
                )
        except BaseException as error:
            self.error = error
        finally:
            if session._store is not None:
                self.notices += session._store.notices
                session._store.notices.clear()
            session.close()
            self.done = True
            self._wake()

    def _say(self, words: str) -> None:
        self.says = words
        self._wake()


def _beside(session: Session) -> Session:
    """A session with the same settings that writes nowhere."""
    mine = Session(session.args, session.environ)
    mine.overrides = dict(session.overrides)
    mine.json = True
    mine.out = mine.err = Screen(io.StringIO(), {})
    return mine
