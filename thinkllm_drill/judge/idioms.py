"""What a compiled kernel may write and Triton's interpreter does not know, or takes seconds for.

A loop variable of `range` is a tensor to the compiler, so it can be cast (`row.to(tl.int64)`); the interpreter has a
whole number. `tl.reduce` with a function of one's own goes element by element there; here halves of the axis are
combined at once, as a GPU does.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

INDICES = "_indices_of_a_loop"


class Unlike(Exception):
    """A function does not combine blocks as it combines numbers."""


def mend(interpreter: Any, language: Any) -> None:
    """Teach an imported interpreter both."""

    class Index(int):
        """A loop variable: a whole number that can be cast."""

        def to(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
            return language.cast(int(self), dtype, *args, **kwargs)

    def indices(numbers: Iterable[int]) -> Iterator[Index]:
        return map(Index, numbers)

    setattr(interpreter, INDICES, indices)  # the interpreter lets kernels know its own names
    interpreter.ASTTransformer.visit_For = _visit_for
    interpreter.ReduceOps.generic_reduce = _by_halves(interpreter.ReduceOps.generic_reduce, language.tensor)


def _visit_for(transformer: Any, node: ast.For) -> ast.AST:
    node = transformer.generic_visit(node)
    call = node.iter
    if isinstance(call, ast.Call) and "range" in (getattr(call.func, "id", ""), getattr(call.func, "attr", "")):
        node.iter = ast.Call(ast.Name(INDICES, ast.Load()), [call], [])
    return node


def _by_halves(original: Callable[..., Any], tensor: Any) -> Callable[..., Any]:
    def generic_reduce(self: Any, tensors: Any) -> Any:
        try:
            with _no_branches(tensor):
                return _reduced(self, tensors)
        except Exception:  # what goes wrong goes wrong again, element by element
            return original(self, tensors)

    return generic_reduce


@contextlib.contextmanager
def _no_branches(tensor: Any) -> Iterator[None]:
    """Meanwhile a tensor of several elements is neither true nor false; the interpreter takes it for true."""
    original = tensor.__bool__

    def one(self: Any) -> bool:
        if self.handle.data.size > 1:
            raise Unlike
        return bool(original(self))

    tensor.__bool__ = one
    try:
        yield
    finally:
        tensor.__bool__ = original


def _reduced(ops: Any, tensors: Any) -> list[Any]:
    """The reduction of blocks, each half of the axis with the other; sides are powers of two.

    Raises:
        Unlike: what is combined has another type or shape than its parts.
    """
    dims = tensors[0].handle.data.ndim
    axes = range(dims) if ops.axis is None else [ops.axis]
    kinds = [tensor.dtype for tensor in tensors]
    parts = [tensor.handle.data for tensor in tensors]
    if ops.axis is None:
        parts = [part.reshape(-1) for part in parts]
    parts = [np.moveaxis(part, ops.axis or 0, 0) for part in parts]
    while (length := parts[0].shape[0]) > 1:
        halves = [part[: length // 2] for part in parts], [part[length // 2 :] for part in parts]
        found = ops.combine_fn.fn(*(ops.to_tensor(*each) for half in halves for each in zip(half, kinds, strict=True)))
        found = found if isinstance(found, tuple) else (found,)
        if [each.dtype.scalar for each in found] != [kind.scalar for kind in kinds]:
            raise Unlike
        shape = (length // 2, *parts[0].shape[1:])
        parts = [np.broadcast_to(each.handle.data, shape) for each in found]
    results = [part[0] for part in parts]
    if ops.keep_dims:
        results = [np.expand_dims(result, tuple(axes)) for result in results]
    return [ops.to_tensor(result, kind) for result, kind in zip(results, kinds, strict=True)]
