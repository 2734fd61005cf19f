"""Makes forbidden calls raise in the runner, however they are reached.

A name is forbidden in two ways at once: the aten kernels behind it are overridden, which reaches aliases, methods,
threads and disabled modes; and the Python function or class of that name is replaced, which covers what has no kernel
of its own (classes, modules).
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import inspect
import sys
import warnings
from collections.abc import Iterable
from typing import Any

import torch

_SDPA = (
    "scaled_dot_product_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_attention_math",
    "_native_multi_head_attention",
)
_LAYER_NORM = ("native_layer_norm", "layer_norm")

KERNELS: dict[str, tuple[str, ...]] = {
    "torch.softmax": ("_softmax", "_safe_softmax", "softmax.int"),
    "torch.log_softmax": ("_log_softmax", "log_softmax.int"),
    "torch.logsumexp": ("logsumexp",),
    "torch.nn.functional.scaled_dot_product_attention": _SDPA,
    "torch.nn.MultiheadAttention": _SDPA,
    "torch.nn.functional.layer_norm": _LAYER_NORM,
    "torch.nn.functional.logsigmoid": ("log_sigmoid", "log_sigmoid_forward"),
    "torch.nn.functional.softplus": ("softplus",),
    "torch.nn.functional.cross_entropy": ("cross_entropy_loss", "nll_loss_forward", "nll_loss2d_forward"),
    "torch.nn.functional.nll_loss": ("nll_loss_forward", "nll_loss2d_forward"),
    "torch._fused_adamw_": ("_fused_adamw_", "_fused_adamw"),
    "torch.multinomial": ("multinomial",),
}
ALIASES: dict[str, tuple[str, ...]] = {
    "torch.softmax": ("torch.nn.functional.softmax", "torch.nn.functional.softmin", "torch.special.softmax"),
    "torch.log_softmax": ("torch.nn.functional.log_softmax", "torch.special.log_softmax"),
    "torch.logsumexp": ("torch.special.logsumexp",),
}


class ForbiddenCall(RuntimeError):
    """The attempt reached a call that the exercise forbids."""


hits: list[str] = []
_libraries: list[Any] = []


def install(names: Iterable[str]) -> None:
    """Make every call of the named functions, classes or modules raise `ForbiddenCall` from now on."""
    for name in names:
        if _builtin(name):
            continue
        if name in KERNELS:
            _override(name)
        for alias in (name, *ALIASES.get(name, ())):
            _replace(alias, name)


def builtins_without(names: Iterable[str]) -> dict[str, Any]:
    """Python's built-in names for the attempt's module alone, with those in `names` refused: we need them too."""
    found = {_builtin(name): name for name in names if _builtin(name)}
    return vars(builtins) | {short: _refusing(getattr(builtins, short), name) for short, name in found.items()}


def _builtin(name: str) -> str:
    """`sorted` of "sorted" and "builtins.sorted"; empty for other names."""
    short = name.removeprefix("builtins.")
    return short if hasattr(builtins, short) else ""


def _refuse(name: str) -> None:
    if name not in hits:
        hits.append(name)
    raise ForbiddenCall(name)


def _override(name: str) -> None:
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    _libraries.append(library)  # dropping it would undo the override
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kernel in KERNELS[name]:
            for key in ("CPU", "AutogradCPU"):
                try:
                    library.impl(kernel, lambda *_, **__: _refuse(name), key)  # type: ignore[no-untyped-call]
                except RuntimeError:  # this version of torch has no such kernel, or another name shares it
                    continue


def _replace(path: str, name: str) -> None:
    owner, attribute = _resolve(path)
    if owner is None:
        return
    target = getattr(owner, attribute)
    if inspect.ismodule(target):
        _replace_all_in(path, name)
    elif inspect.isclass(target):
        _refuse_construction(target, name)
    elif callable(target):
        with contextlib.suppress(TypeError):  # an immutable type
            setattr(owner, attribute, _refusing(target, name))


def _replace_all_in(path: str, name: str) -> None:
    """Refuse what a module and those below it define."""
    below = [module for key, module in sys.modules.items() if key == path or key.startswith(f"{path}.")]
    for module in below:
        for attribute, item in list(vars(module).items()):
            if not str(getattr(item, "__module__", "")).startswith(path):
                continue
            if inspect.isclass(item):
                _refuse_construction(item, name)
            elif inspect.isfunction(item):
                setattr(module, attribute, _refusing(item, name))


def _refusing(target: Any, name: str) -> Any:
    @functools.wraps(target)
    def refuse(*_: Any, **__: Any) -> None:
        _refuse(name)

    return refuse


def _refuse_construction(cls: type, name: str) -> None:
    """Refuse to make an instance and to derive a class."""
    try:
        cls.__init__ = lambda *_, **__: _refuse(name)  # type: ignore[misc]
        cls.__init_subclass__ = classmethod(lambda *_, **__: _refuse(name))  # type: ignore[assignment]
    except (TypeError, AttributeError):  # an immutable type
        return


def _resolve(path: str) -> tuple[Any, str]:
    module, _, attribute = path.rpartition(".")
    try:
        owner: Any = importlib.import_module(module)
    except ImportError:
        outer, _, inner = module.rpartition(".")
        try:
            owner = getattr(importlib.import_module(outer), inner, None) if outer else None
        except ImportError:
            owner = None
    if owner is None or not hasattr(owner, attribute):
        return None, attribute
    return owner, attribute
