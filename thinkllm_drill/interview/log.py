"""The interviews of a store, read again only when something was recorded."""

from __future__ import annotations

from thinkllm_drill.interview.model import Interview, fold
from thinkllm_drill.progress.store import Store


class Log:
    """The interviews of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folded: tuple[int, dict[str, Interview]] | None = None

    def all(self) -> dict[str, Interview]:
        """Every interview by id, oldest first."""
        newest = self._store.newest()
        if self._folded is None or self._folded[0] != newest:  # a view and a recorder ask all the time
            self._folded = newest, fold(self._store.events_of("mock"))
        return dict(self._folded[1])
