"""Refuses imports, and lets what an import brings be changed before anybody sees it."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

Patch = Callable[[types.ModuleType], None]


class Watcher(importlib.abc.MetaPathFinder):
    """A finder that stands before all others and finds only what it watches."""

    def __init__(self, refuse: Callable[[str], None]) -> None:
        self._refuse = refuse
        self._refused: dict[str, str] = {}
        self._patches: dict[str, list[Patch]] = {}

    def refuse(self, module: str, name: str) -> None:
        """Refuse to import a module and those below it, for the forbidden `name`."""
        self._refused.setdefault(module, name)

    def after(self, module: str, patch: Patch) -> None:
        """Call `patch(module)` whenever the module of that name has been loaded, again too."""
        self._patches.setdefault(module, []).append(patch)

    def stand(self) -> None:
        """Take the first place among the finders, if there is anything to watch."""
        if self._refused or self._patches:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        for module, name in self._refused.items():
            if fullname == module or fullname.startswith(f"{module}."):
                return importlib.machinery.ModuleSpec(fullname, _Refusal(partial(self._refuse, name)))
        if fullname not in self._patches:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                self._patch_after(spec)
                return spec
        return None

    def _patch_after(self, spec: importlib.machinery.ModuleSpec) -> None:
        loader: Any = spec.loader
        load = getattr(loader, "exec_module", None)
        if load is None or isinstance(loader, type):  # the loaders of Python's own modules are classes that all share
            return

        def exec_module(module: types.ModuleType) -> None:
            load(module)
            for patch in self._patches[spec.name]:
                patch(module)

        with contextlib.suppress(AttributeError, TypeError):
            loader.exec_module = exec_module


class _Refusal(importlib.abc.Loader):
    def __init__(self, refuse: Callable[[], None]) -> None:
        self._refuse = refuse

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        self._refuse()
