"""Versions of the files of an interview, kept as they are saved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from thinkllm_drill.errors import ThinkLLMError
from thinkllm_drill.interview.model import Interview, Problem
from thinkllm_drill.progress.events import source_hash, stamp
from thinkllm_drill.progress.store import Store
from thinkllm_drill.workspace import Workspace


class Snapshots:
    """Records what changed in the files of one interview since the last look."""

    def __init__(self, store: Store, workspace: Workspace, now: Callable[[], datetime]) -> None:
        self._store, self._workspace, self._now = store, workspace, now
        self._seen: dict[str, tuple[int, int, int]] = {}

    def take(self, interview: Interview) -> bool:
        """Whether anything new was recorded: saves up to the deadline as snapshots, later ones as late.

        A file whose time of change is before the deadline was not touched after it, whenever it is looked at.

        Raises:
            ProgressError: nothing could be recorded.
        """
        changed = False
        for problem in interview.problems:
            if (problem.open or interview.finished_at is not None) and self._take(interview, problem):
                changed = True
        return changed

    def _take(self, interview: Interview, problem: Problem) -> bool:
        path = Path(problem.file)
        try:
            state = path.stat()
            known = (state.st_mtime_ns, state.st_size, state.st_ino)
            if self._seen.get(problem.slug) == known:
                return False
            source = self._workspace.read(path)
        except (OSError, ThinkLLMError):  # gone, or no file that can be read: the last version counts
            return False
        now = interview.now(self._now())
        back = timedelta(seconds=interview.clock_back)
        saved = min(max(datetime.fromtimestamp(state.st_mtime, UTC) + back, interview.started_at), now)
        last = problem.last_saved
        what = "snapshot" if saved <= interview.ends else "late"
        versions = (
            problem.counted,
            last.source if last else problem.stub,
            problem.late.source if problem.late else None,
        )
        name = source_hash(source)
        ended = problem.submitted_at is not None or (interview.finished_at is not None and problem.verdict is not None)
        new = name not in versions and not (what == "snapshot" and ended)
        if new:
            payload = {"interview": interview.id, "what": what, "saved": stamp(saved)}
            self._store.record("mock", problem.slug, payload, source)
        self._seen[problem.slug] = known
        return new
