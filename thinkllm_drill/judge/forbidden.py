"""Makes forbidden calls raise in the runner, however they are reached.

A name is forbidden as the job that it does (see `means`): the kernels behind it are overridden, which reaches aliases,
methods, threads, disabled modes and compiled functions; Python functions of the job are hollowed out where they stand,
so that no alias of theirs is left; classes refuse to be made; modules that are not loaded are watched for.
"""

from __future__ import annotations

import builtins
import contextlib
import inspect
import linecache
import sys
import types
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from thinkllm_drill.judge import means, no_autograd, scan, swap, trace
from thinkllm_drill.judge.watch import Watcher

MAX_HITS = 8


class ForbiddenCall(RuntimeError):
    """The attempt reached a call that the exercise forbids."""


@dataclass(frozen=True)
class Hit:
    """A forbidden name, the text and the line in the attempt that reached it (0: unknown), and the frames there."""

    name: str
    used: str = ""
    line: int = 0
    frames: list[dict[str, Any]] = field(default_factory=list)


hits: list[Hit] = []
_libraries: list[Any] = []
_filenames: Collection[str | None] = ()
_installed: set[str] = set()


def install(names: Sequence[str], filenames: Collection[str | None] = ()) -> None:
    """Make every call of the named functions, classes or modules raise `ForbiddenCall` from now on.

    Args:
        names: as `means.spelled_out` understands them.
        filenames: what the code objects of the attempt say that they come from.
    """
    global _filenames
    _filenames = filenames
    names = [name for name in names if not _builtin(name) and name not in _installed]
    _installed.update(names)
    if not names:
        return
    kernels = _override(means.kernels_of(names))
    watcher = Watcher(_refuse)
    paths = dict(reversed([*means.paths_of(names)]))  # of two names for a path the first stays
    for path, name in paths.items():
        _replace(path, name, kernels, watcher)
    watcher.stand()
    for name in names:
        if means.AUTOGRAD in map(means.job_of, means.spelled_out(name)):
            no_autograd.take_away(partial(_refuse, name), filenames)
            break


def builtins_without(names: Iterable[str]) -> dict[str, Any]:
    """Python's built-in names for the attempt's module alone, with those in `names` refused: we need them too."""
    found = {_builtin(name): name for name in names if _builtin(name)}
    return vars(builtins) | {short: partial(_refused, name) for short, name in found.items()}


def _builtin(name: str) -> str:
    """`sorted` of "sorted" and "builtins.sorted"; empty for other names."""
    short = name.removeprefix("builtins.")
    return short if hasattr(builtins, short) else ""


def _refuse(name: str) -> None:
    if len(hits) < MAX_HITS and all(hit.name != name for hit in hits):
        hits.append(_hit(name))
    raise ForbiddenCall(name)


def _refused(name: str, *_: Any, **__: Any) -> None:
    _refuse(name)


def _hit(name: str) -> Hit:
    """Where we are just now in the attempt; where none of its functions runs, where its source names the call."""
    frame: types.FrameType | None = sys._getframe(2)
    stack = []
    while frame is not None:
        if frame.f_code.co_filename in _filenames:
            stack.append(frame)
        frame = frame.f_back
    if stack:
        return Hit(name, scan.used_at(stack[0]), stack[0].f_lineno, trace.frames_of(reversed(stack)))
    paths = [path for path, _ in means.paths_of([name])]
    for filename in _filenames:
        found = scan.find("".join(linecache.getlines(filename or "")), paths)
        if found is not None:
            line, used = found
            code = linecache.getline(filename or "", line).strip()
            return Hit(name, used, line, [{"line": line, "function": "", "code": code[:200]}])
    return Hit(name)


def _override(kernels: Iterable[tuple[str, str]]) -> set[str]:
    """Refuse operators of `aten`, in all overloads and on all devices; returns those that there are."""
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    _libraries.append(library)  # dropping it would undo the override
    done: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kernel, name in kernels:
            if kernel in done:
                continue
            done.add(kernel)
            for schema in torch._C._jit_get_schemas_for_operator(f"aten::{kernel}"):
                full = f"{kernel}.{schema.overload_name}".rstrip(".")
                for key in _keys(f"aten::{full}"):
                    with contextlib.suppress(RuntimeError):  # an operator of TorchScript's alone
                        library.impl(full, partial(_refused, name), key)  # type: ignore[no-untyped-call]
    return done


def _keys(operator: str) -> tuple[str, ...]:
    """Where an operator is to be caught: before it is taken to pieces, and below that on the way to any device."""
    try:
        composed = torch._C._dispatch_has_kernel_for_dispatch_key(operator, "CompositeImplicitAutograd")
    except RuntimeError:
        return ()
    if not composed:  # the last are a matter of the keys for gradients alone
        return ("AutogradCPU", "BackendSelect") if "_make_dual" in operator else ("BackendSelect",)
    return ("AutogradCPU", "AutogradCUDA", "BackendSelect") if torch.version.cuda else ("AutogradCPU", "BackendSelect")


def _replace(path: str, name: str, kernels: Collection[str], watcher: Watcher) -> None:
    """Refuse what a dotted path leads to, now or when it gets imported."""
    owner, attribute = _resolve(path)
    module = path.rpartition(".")[0]
    if owner is None:
        watcher.refuse(path, name)
        if module:
            watcher.after(module, lambda _: _replace(path, name, kernels, Watcher(_refuse)))
        return
    target = getattr(owner, attribute)
    if inspect.ismodule(target):
        _replace_all_in(path, name)
        return
    for home in {module, str(getattr(target, "__module__", ""))} & sys.modules.keys():  # it may be loaded once more
        if path.startswith("torch.") and not isinstance(target, types.BuiltinFunctionType):
            watcher.after(home, lambda _: _replace(path, name, kernels, Watcher(_refuse)))
    _replace_one(owner, attribute, target, name, kernels, shared=_is_shared(path))


def _replace_one(owner: Any, attribute: str, target: Any, name: str, kernels: Collection[str], *, shared: bool) -> None:
    if inspect.isclass(target) and not shared:
        swap.refuse_class(target, _refuse, name)
    elif isinstance(target, types.FunctionType) and not shared:
        swap.hollow(target, _refuse, name)
    elif callable(target) and (shared or attribute not in kernels):
        with contextlib.suppress(TypeError):  # an immutable type
            setattr(owner, attribute, swap.guarded(target, _refuse, name, _filenames))


def _is_shared(path: str) -> bool:
    """Whether a path is of a package that Python itself or torch cannot do without."""
    package = path.partition(".")[0]
    return package == "numpy" or package in sys.stdlib_module_names


def _replace_all_in(path: str, name: str) -> None:
    """Refuse what a module and those below it define."""
    start = f"{path}."
    below = [module for key, module in sys.modules.items() if key.startswith(start)]
    for module in (sys.modules[path], *below):
        for item in list(vars(module).values()):
            if not str(getattr(item, "__module__", "")).startswith(path):
                continue
            if inspect.isclass(item):
                swap.refuse_class(item, _refuse, name)
            elif isinstance(item, types.FunctionType):
                swap.hollow(item, _refuse, name)


def _resolve(path: str) -> tuple[Any, str]:
    """The loaded module, or the class in one, that a path is an attribute of; None where there is none yet."""
    module, _, attribute = path.rpartition(".")
    owner: Any = sys.modules.get(module)
    if owner is None:
        outer, _, inner = module.rpartition(".")
        owner = getattr(sys.modules.get(outer), inner, None)
    if owner is None or not hasattr(owner, attribute):
        return None, attribute
    return owner, attribute
