"""Makes forbidden calls raise in the runner, however they are reached.

A name is forbidden as the job that it does (see `means`): the kernels behind it are overridden, which reaches aliases,
methods, threads, disabled modes and compiled functions; Python functions of the job are hollowed out where they stand,
so that no alias of theirs is left; classes refuse to be made; modules that are not loaded are watched for.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import inspect
import linecache
import sys
import types
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from thinkllm_drill.judge import means, no_autograd, scan, swap, trace
from thinkllm_drill.judge.watch import Watcher

MAX_HITS = 8
DEVICES = ("CPU", "SparseCPU", "NestedTensorCPU", "MPS")


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
    kernels = dict(reversed([*means.kernels_of(names)]))  # of two names for a kernel the first stays
    _override(kernels)
    watcher = Watcher(_refuse)
    paths = dict(reversed([*means.paths_of(names)]))
    for path, name in paths.items():
        _replace(path, name, watcher)
    in_python = {path.rpartition(".")[2]: name for path, name in paths.items()} | kernels
    for module in means.IN_PYTHON:
        _replace_when_loaded(module, in_python, watcher)
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


def _override(kernels: Mapping[str, str]) -> None:
    """Refuse operators of `aten`, each for a name, in all overloads and on all devices."""
    library: Any = torch._C._dispatch_library("IMPL", "aten", "", __file__, 0)
    ctypes.pythonapi.Py_IncRef(
        ctypes.py_object(library)
    )  # it stays when nobody holds it: dropped, it would undo itself
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kernel, name in kernels.items():
            refused = partial(_refused, name)
            for operator, key in _places(kernel):
                with contextlib.suppress(RuntimeError):
                    library.impl(operator, key, refused, False)


@cache
def _places(kernel: str) -> list[tuple[str, str]]:
    """The overloads of an operator of `aten`, each with the dispatch keys to catch it at."""
    overloads = [schema.overload_name for schema in torch._C._jit_get_schemas_for_operator(f"aten::{kernel}")]
    operators = [f"{kernel}.{overload}".rstrip(".") for overload in overloads]
    return [(operator, key) for operator in operators for key in _keys(f"aten::{operator}")]


def _keys(operator: str) -> tuple[str, ...]:
    """Where an operator is to be caught: on the way to any device, and for one that is composed before it is."""
    if not torch.version.cuda and not any(map(partial(_runs_on, operator), DEVICES)):
        return ()
    devices = ["CPU", "CUDA"] if torch.version.cuda else ["CPU"]
    composed = torch._C._dispatch_has_kernel_for_dispatch_key(operator, "CompositeImplicitAutograd")
    if composed or "_make_dual" in operator:  # which is a matter of the keys for gradients alone
        devices = [f"Autograd{device}" for device in devices]
    return (*devices, "BackendSelect")


def _runs_on(operator: str, device: str) -> bool:
    try:
        return torch._C._dispatch_has_computed_kernel_for_dispatch_key(operator, device)
    except RuntimeError:  # an operator of TorchScript's alone
        return False


def _replace(path: str, name: str, watcher: Watcher) -> None:
    """Refuse what a dotted path leads to, now or when it gets imported."""
    owner, attribute = _resolve(path)
    module = path.rpartition(".")[0]
    if owner is None:
        watcher.refuse(path, name)
        if module:
            watcher.after(module, lambda _: _replace(path, name, Watcher(_refuse)))
        return
    target = getattr(owner, attribute)
    if inspect.ismodule(target):
        _replace_all_in(path, name)
        return
    for home in {module, str(getattr(target, "__module__", ""))} & sys.modules.keys():  # it may be loaded once more
        if path.startswith("torch.") and not isinstance(target, types.BuiltinFunctionType):
            watcher.after(home, lambda _: _replace(path, name, Watcher(_refuse)))
    _replace_one(owner, attribute, target, name, shared=_is_shared(path))


def _replace_one(owner: Any, attribute: str, target: Any, name: str, *, shared: bool) -> None:
    if inspect.isclass(target) and not shared:
        swap.refuse_class(target, _refuse, name)
    elif isinstance(target, types.FunctionType) and not shared:
        swap.hollow(target, _refuse, name)
    elif callable(target) and (shared or not _has_kernel(name)):
        with contextlib.suppress(TypeError):  # an immutable type
            setattr(owner, attribute, swap.guarded(target, _refuse, name, _filenames))


@cache
def _has_kernel(name: str) -> bool:
    """Whether functions of C for a forbidden name come to a kernel that is refused."""
    return any(_places(kernel) for full in means.spelled_out(name) for kernel in means.job_of(full).kernels)


def _is_shared(path: str) -> bool:
    """Whether a path is of a package that Python itself or torch cannot do without."""
    package = path.partition(".")[0]
    return package == "numpy" or package in sys.stdlib_module_names


def _replace_when_loaded(module: str, functions: Mapping[str, str], watcher: Watcher) -> None:
    """Refuse torch's own kernels written in Python once more, which nothing loads until it is asked for."""

    def patch(loaded: types.ModuleType) -> None:
        for attribute, name in functions.items():
            function = vars(loaded).get(attribute)
            if isinstance(function, types.FunctionType):
                swap.hollow(function, _refuse, name)

    if module in sys.modules:
        patch(sys.modules[module])
    watcher.after(module, patch)


def _replace_all_in(path: str, name: str) -> None:
    """Refuse what a module and those below it define."""
    seen: set[int] = set()
    for module in _loaded_below(path):
        for item in list(vars(module).values()):
            if id(item) in seen or not str(getattr(item, "__module__", "")).startswith(path):
                continue
            seen.add(id(item))
            if inspect.isclass(item):
                swap.refuse_class(item, _refuse, name)
            elif isinstance(item, types.FunctionType):
                swap.hollow(item, _refuse, name)


def _loaded_below(path: str) -> Iterator[types.ModuleType]:
    """The module and what is loaded of its package, found by its files: to look at all modules there are is dear."""
    module = sys.modules.get(path)
    if module is None:
        return
    yield module
    for folder in getattr(module, "__path__", ()):
        with contextlib.suppress(OSError):
            for file in sorted(Path(folder).iterdir()):
                if file.stem.isidentifier() and not file.stem.startswith("__"):
                    yield from _loaded_below(f"{path}.{file.stem}")


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


for _kernel, _ in means.kernels_of([job.names[0] for job in means.JOBS]):
    _places(_kernel)  # looked up before the runners are forked: each of them would have to do it by itself
