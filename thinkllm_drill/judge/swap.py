"""Puts a refusal in the place of a Python function or class, for whoever holds it already too."""

from __future__ import annotations

import contextlib
import inspect
import sys
import types
import warnings
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

MAX_WRAPPERS = 8
Refuse = Callable[[str], None]
_CALLED, _GIVEN = 0.25, 0.75  # stand for the function and its argument until a code object gets its own


def hollow(function: types.FunctionType, refuse: Refuse, name: str) -> None:
    """Make a Python function, and those that it wraps, call `refuse(name)`: every alias of it is the same function."""
    inner: Any = function
    for _ in range(MAX_WRAPPERS):
        if not isinstance(inner, types.FunctionType):
            return
        origin = ("refused", 1)
        if inner.__module__ == "torch.nn.functional":
            # TorchScript compiles by the source and the signature: it shall find the original's and meet the kernels
            origin = inner.__code__.co_filename, inner.__code__.co_firstlineno
            inner.__signature__ = inspect.signature(inner)  # type: ignore[attr-defined]
        inner.__code__ = _code(len(inner.__code__.co_freevars), refuse, name, *origin)
        inner = inner.__dict__.get("__wrapped__")


@cache
def _code(free: int, refuse: Refuse, name: str, filename: str, line: int) -> types.CodeType:
    mine, template = {_CALLED: refuse, _GIVEN: name}, _template(free)
    consts = tuple(mine.get(const, const) if type(const) is float else const for const in template.co_consts)
    return template.replace(co_consts=consts, co_filename=filename, co_firstlineno=line)


@cache
def _template(free: int) -> types.CodeType:
    """The code of a function of any arguments that closes over as many variables: Python insists on the number."""
    cells = [f"cell{number}" for number in range(free)]
    lines = [
        f"def outer({', '.join(cells)}):",
        "    def refuse(*args, **kwargs):",
        f"        if 0: {', '.join(cells) or 'pass'}",
        f"        return ({_CALLED})({_GIVEN})",
        "    return refuse",
    ]
    space: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a number is not callable
        exec("\n".join(lines), space)
    made: types.FunctionType = space["outer"](*cells)
    return made.__code__


def refuse_class(cls: type, refuse: Refuse, name: str) -> None:
    """Refuse to make an instance, to derive a class, and to call what the class does its work in."""
    for method in ("forward", "step"):
        function = vars(cls).get(method)
        if isinstance(function, types.FunctionType):
            hollow(function, refuse, name)
    with contextlib.suppress(TypeError, AttributeError):  # an immutable type
        cls.__init__ = lambda *_, **__: refuse(name)  # type: ignore[misc]
        cls.__init_subclass__ = classmethod(lambda *_, **__: refuse(name))  # type: ignore[assignment]


def guarded(target: Any, refuse: Refuse, name: str, filenames: Collection[str | None]) -> Any:
    """The function or class, refused to callers in `filenames` alone: the rest of Python goes on using it."""
    if isinstance(target, type):
        return _guarded_class(target, refuse, name, filenames)
    return _Guard(target, refuse, name, filenames)


class _Guard:
    """Stands for a function of C; for what it has itself too (`np.logaddexp.reduce`)."""

    def __init__(self, target: Any, refuse: Refuse, name: str, filenames: Collection[str | None]) -> None:
        self._target, self._refuse, self._name, self._filenames = target, refuse, name, filenames

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if sys._getframe(1).f_code.co_filename in self._filenames:
            self._refuse(self._name)
        return self._target(*args, **kwargs)

    def __get__(self, owner: Any, _: type | None = None) -> Any:
        return self if owner is None else types.MethodType(self, owner)

    def __getattr__(self, attribute: str) -> Any:
        if not attribute.startswith("__") and sys._getframe(1).f_code.co_filename in self._filenames:
            self._refuse(self._name)
        return getattr(self._target, attribute)


def _guarded_class(target: Any, refuse: Refuse, name: str, filenames: Collection[str | None]) -> Any:
    class Guarding(type(target)):  # type: ignore[misc]
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            if sys._getframe(1).f_code.co_filename in filenames:
                refuse(name)
            return target(*args, **kwargs) if cls is guard else super().__call__(*args, **kwargs)

        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, target) if cls is guard else super().__instancecheck__(value)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, target) if cls is guard else super().__subclasscheck__(other)

    try:
        guard = Guarding(target.__name__, (target,), {"__module__": target.__module__, "__doc__": target.__doc__})
    except TypeError:  # a class that none can be derived from
        return target
    return guard


for _free in range(2):
    _template(_free)  # made before the runners are forked
