"""Which storages a graph keeps for its backward pass."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

DEPTH = 4


class Saved:
    """Counts while it is entered; `bytes` tells what the graph of a result holds beyond what there was before.

    Seen are tensors saved by autograd and by `save_for_backward`, what hooks of the attempt's own keep in their place,
    and what a `torch.autograd.Function` keeps as an attribute of its context.
    """

    def __init__(self, paused: Callable[[bool], None]) -> None:
        self._paused = paused
        self._alive: weakref.WeakSet[_Kept] = weakref.WeakSet()
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._keep, _payload)
        self._push = torch._C._autograd._push_saved_tensors_default_hooks

    def __enter__(self) -> Saved:
        self._hooks.__enter__()
        seen: Any = self._push_seen
        torch._C._autograd._push_saved_tensors_default_hooks = seen
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        torch._C._autograd._push_saved_tensors_default_hooks = self._push
        self._hooks.__exit__(kind, error, trace)

    def bytes(self, result: Any, known: Any) -> int:
        """Bytes of the distinct storages that the graph of `result` holds and that `known` has none of."""
        before = {tensor.untyped_storage()._cdata for tensor in reachable(known)}
        held = [tensor for kept in self._alive for tensor in _tensors(kept.payload)] + [*_in_contexts(result)]
        storages = {tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes() for tensor in held}
        return sum(size for key, size in storages.items() if key not in before)

    def _keep(self, tensor: Tensor) -> _Kept:
        self._paused(True)
        kept = _Kept(tensor.detach())  # an output would hold the node that holds it
        self._paused(False)
        self._alive.add(kept)
        return kept

    def _push_seen(self, pack: Callable[[Tensor], Any], unpack: Callable[[Any], Tensor]) -> None:
        """Let the attempt's own hooks be seen through."""

        def keep(tensor: Tensor) -> _Kept:
            kept = _Kept(pack(tensor))
            self._alive.add(kept)
            return kept

        self._push(keep, lambda kept: unpack(kept.payload))


class _Kept:
    __slots__ = ("__weakref__", "payload")

    def __init__(self, payload: Any) -> None:
        self.payload = payload


def _payload(kept: _Kept) -> Tensor:
    tensor: Tensor = kept.payload
    return tensor


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def _in_contexts(result: Any) -> Iterator[Tensor]:
    """Tensors that are attributes of contexts in the graphs of a result."""
    node_of: Any = torch._C.TensorBase.grad_fn
    waiting = [node_of.__get__(tensor) for tensor in reachable(result)]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting += [following for following, _ in node.next_functions]
        for tensor in _tensors([*getattr(node, "__dict__", {}).values()]):
            yield tensor
            waiting.append(node_of.__get__(tensor))


def reachable(thing: Any, depth: int = DEPTH) -> Iterator[Tensor]:
    """The tensors in a value: in containers, in modules, in attributes of objects, in what a method is bound to."""
    if isinstance(thing, Tensor):
        yield thing
    elif isinstance(thing, torch.nn.Module):
        yield from thing.parameters()
        yield from thing.buffers()
    elif depth == 0 or isinstance(thing, str | bytes | int | float | type(None)):
        return
    elif isinstance(thing, dict):
        for item in thing.values():
            yield from reachable(item, depth - 1)
    elif isinstance(thing, list | tuple | set | frozenset):
        for item in thing:
            yield from reachable(item, depth - 1)
    elif (owner := getattr(thing, "__self__", None)) is not None:
        yield from reachable(owner, depth - 1)
    elif not isinstance(thing, type) and isinstance(attributes := getattr(thing, "__dict__", None), dict):
        yield from reachable(attributes, depth - 1)
