"""What the verbs of one run share: settings, content, workspace, progress and the two output streams.

Everything is opened when it is first asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from thinkllm_drill import locale
from thinkllm_drill.cli.screen import Screen, to_json
from thinkllm_drill.errors import ThinkLLMError, UsageError

if TYPE_CHECKING:
    from thinkllm_drill.content.library import Entry, Library
    from thinkllm_drill.content.path import LearningPath
    from thinkllm_drill.progress.status import ExerciseStatus
    from thinkllm_drill.progress.store import Store
    from thinkllm_drill.settings import Settings
    from thinkllm_drill.workspace import Workspace


class Session:
    """One run of the command line."""

    def __init__(self, args: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> None:
        self.args = args
        self.environ = os.environ if environ is None else environ
        self.overrides: dict[str, str] = {}
        self.json = False
        self.emitted = False
        self._store: Store | None = None

    @classmethod
    def of(cls, ctx: typer.Context) -> Session:
        """The session of a command."""
        session = ctx.obj
        assert isinstance(session, cls)
        return session

    def override(self, name: str, value: str) -> None:
        """Take a setting from the command line."""
        self.overrides[name] = value
        for derived in ("settings", "lenient_settings", "out", "err"):
            self.__dict__.pop(derived, None)
        if name == "lang":
            locale.use(value)

    @cached_property
    def settings(self) -> Settings:
        """The settings of this run; its language becomes that of the process."""
        from thinkllm_drill.settings import load

        settings = load(self.overrides, self.environ)
        locale.use(settings.lang)
        return settings

    @cached_property
    def lenient_settings(self) -> Settings:
        """The settings with the next best value where one is broken: for showing errors and mending them."""
        from thinkllm_drill.settings import load

        return load(self.overrides, self.environ, lenient=True)

    @cached_property
    def library(self) -> Library:
        """The exercises."""
        from thinkllm_drill.content.library import Library

        return Library.open()

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """The light rows of all exercises by slug."""
        return {entry.slug: entry for entry in self.library.entries()}

    @cached_property
    def learning_path(self) -> LearningPath:
        """The order in which to do the exercises."""
        from thinkllm_drill.content import path

        return path.read(self.library.root)

    @cached_property
    def workspace(self) -> Workspace:
        """The learner's files."""
        from thinkllm_drill.workspace import Workspace

        return Workspace(self.settings)

    @property
    def store(self) -> Store:
        """The progress store, created if there is none."""
        if self._store is None:
            from thinkllm_drill.progress.store import Store

            self._store = Store.open(self.settings.database)
        return self._store

    @property
    def has_progress(self) -> bool:
        """Whether anything was ever recorded; asking creates no file."""
        return self.settings.database.exists()

    def statuses(self) -> dict[str, ExerciseStatus]:
        """The status of every exercise that was ever touched."""
        return dict(self.store.statuses()) if self.has_progress else {}

    @cached_property
    def out(self) -> Screen:
        """Standard output: data and what the verb is asked for."""
        return Screen(sys.stdout, self.environ, color=self._color())

    @cached_property
    def err(self) -> Screen:
        """Standard error: messages and progress."""
        return Screen(sys.stderr, self.environ, color=self._color())

    def emit(self, value: Mapping[str, Any]) -> None:
        """Write the one JSON object of a verb."""
        self.emitted = True
        self.out.write(to_json({"schema": 1, **value}, sys.stdout))

    def attempt_path(self, slug: str) -> Path:
        """Where the attempt of an exercise is, or would be."""
        return self.workspace.attempt_path(self.entries[slug].topic, slug)

    def has_attempt(self, slug: str) -> bool:
        """Whether the exercise has an attempt on disk."""
        return self.attempt_path(slug).is_file()

    def slug(self, name: str | None) -> str:
        """The exercise that `name` names, or the one worked on last; UsageError if there is none."""
        if name is not None:
            return self.library.resolve(name)
        current = self.store.current() if self.has_progress else None
        if current is None or current.slug not in self.entries:
            raise UsageError(locale.text("cli.error.no_current"), hint="thinkllm next")
        return current.slug

    def _color(self) -> str:
        try:
            return self.lenient_settings.color
        except ThinkLLMError:
            return "auto"

    def close(self) -> None:
        """Close what was opened, and tell what the store has to say: that a damaged database was set aside."""
        if self._store is not None:
            for notice in self._store.notices:
                self.err.write(notice)
            self._store.close()
            self._store = None
