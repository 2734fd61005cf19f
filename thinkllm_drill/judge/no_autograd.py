"""Takes automatic differentiation away from an attempt, where it is to write a backward pass itself.

Its Python functions are hollowed out as any other forbidden ones are; here go the ways around them: the engine itself,
the nodes of a graph, which can be called, and torch's own backward operators. `autodiff` keeps its own engine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from typing import Any

import torch

Refuse = Callable[[], None]


def take_away(refuse: Refuse, filenames: Collection[str | None]) -> None:
    """Refuse the engine to everybody, nodes and backward operators to callers in `filenames`."""

    def refused(*_: Any, **__: Any) -> None:
        refuse()

    def by_attempt() -> bool:
        return sys._getframe(2).f_code.co_filename in filenames

    engine: Any = _Engine(torch.autograd.Variable._execution_engine, refuse)
    torch.autograd.Variable._execution_engine = engine
    torch._C._ImperativeEngine = refused  # type: ignore[assignment,misc]
    for name in [name for name in vars(torch) if "_backward" in name]:
        setattr(torch, name, refused)
    _guard_nodes(refuse, by_attempt)
    _guard_operators(refuse, by_attempt)
    _guard_scripts(refuse)


class _Engine:
    """The engine without its `run_backward`."""

    def __init__(self, engine: Any, refuse: Refuse) -> None:
        self.is_checkpoint_valid = engine.is_checkpoint_valid
        self.queue_callback = engine.queue_callback
        self._refuse = refuse

    def run_backward(self, *_: Any, **__: Any) -> None:
        self._refuse()


def _guard_nodes(refuse: Refuse, by_attempt: Callable[[], bool]) -> None:
    # mypy takes the property of the base for a plain attribute
    original: Any = torch._C.TensorBase.grad_fn

    def grad_fn(tensor: torch.Tensor) -> Any:
        node = original.__get__(tensor)
        if node is not None and by_attempt():
            refuse()
        return node

    torch.Tensor.grad_fn = property(grad_fn)  # type: ignore[assignment]


def _guard_operators(refuse: Refuse, by_attempt: Callable[[], bool]) -> None:
    """Refuse to look up torch's own backward operators, those that were looked up before too."""
    known = {name: vars(torch.ops.aten).pop(name) for name in [*vars(torch.ops.aten)] if _is_backward(name)}
    namespaces: tuple[Any, ...] = (type(torch.ops.aten), type(torch._VF))
    for namespace in namespaces:
        original: Any = namespace.__getattr__

        def find(self: Any, name: str, original: Any = original) -> Any:
            if _is_backward(name) and by_attempt():
                refuse()
            return known[name] if name in known and self is torch.ops.aten else original(self, name)

        namespace.__getattr__ = find


def _is_backward(operator: str) -> bool:
    return "backward" in operator or operator == "grad"


def _guard_scripts(refuse: Refuse) -> None:
    """Refuse a TorchScript function that differentiates: its interpreter asks nobody."""
    original: Any = torch.jit.script

    def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
        frames = kwargs.pop("_frames_up", 0) + 1
        made = original(obj, *args, _frames_up=frames, **kwargs)
        graph = str(getattr(made, "inlined_graph", ""))
        if any(operator in graph for operator in ("aten::grad(", "aten::backward(", "aten::_backward(")):
            refuse()
        return made

    torch.jit.script = script
