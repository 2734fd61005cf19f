"""bfloat16 in Triton's interpreter, which keeps it as uint16 and computes with the bits as if they were numbers.

There −x, x · y, x > 0, a sum, a dot product and a cast of an integer are wrong, and float32 is cut off rather than
rounded. Here everything is done in float32 and rounded to the nearest, as a GPU does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def mend(interpreter: Any, language: Any) -> None:
    """Make the operations of an imported interpreter right for bfloat16."""
    _Mender(interpreter, language).mend()


def widened(bits: Any) -> Any:
    """bfloat16 bits as float32 numbers."""
    return (np.asarray(bits).astype(np.uint32) << 16).view(np.float32)


def rounded(numbers: Any) -> Any:
    """The bits of the nearest bfloat16 numbers, ties to even."""
    numbers = np.array(numbers, np.float32, order="C")
    bits = numbers.view(np.uint32)
    nearest = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(numbers), (bits >> 16) | 0x40, nearest).astype(np.uint16)


class _Mender:
    def __init__(self, interpreter: Any, language: Any) -> None:
        self.handle = interpreter.TensorHandle
        self.tl = language
        self.builder = interpreter.InterpreterBuilder
        misspelt = getattr(interpreter, "ReduceScanOpIneterface", None)  # until Triton 3.2
        self.reduction = misspelt or interpreter.ReduceScanOpInterface

    def mend(self) -> None:
        for name in ("binary_op", "unary_op", "ternary_op", "create_fma", "create_dot"):
            setattr(self.builder, name, self._computed_in_float32(getattr(self.builder, name)))
        self.builder.cast_impl = self._cast(self.builder.cast_impl)
        self.reduction.apply = self._reduced(self.reduction.apply)
        if not hasattr(self.builder, "get_bf16"):  # constants are newer than the type
            self.builder.get_bf16 = lambda _, value: self.handle(rounded([value]), self.tl.bfloat16)

    def _is(self, value: Any) -> bool:
        return isinstance(value, self.handle) and value.dtype.scalar == self.tl.bfloat16 and value.data.dtype != bool

    def _wide(self, value: Any) -> Any:
        return self.handle(widened(value.data), self.tl.float32) if self._is(value) else value

    def _narrow(self, value: Any) -> Any:
        if value.data.dtype == bool:
            return self.handle(value.data, self.tl.int1)
        return self.handle(rounded(value.data), self.tl.bfloat16)

    def _computed_in_float32(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """An operation on handles; its result has the type of the last of them."""

        def operation(builder: Any, *args: Any) -> Any:
            handles = [arg for arg in args if isinstance(arg, self.handle)]
            if np.where in args or not any(self._is(handle) for handle in handles):  # a choice moves bits only
                return original(builder, *args)
            result = original(builder, *map(self._wide, args))
            return self._narrow(result) if self._is(handles[-1]) else result

        return operation

    def _cast(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def cast(builder: Any, source: Any, target: Any) -> Any:
            to_bfloat16 = target.scalar == self.tl.bfloat16
            if self._is(source) == to_bfloat16:
                return original(builder, source, target)
            if not to_bfloat16:
                return original(builder, self._wide(source), target)
            return self._narrow(self.handle(source.data.astype(np.float32), self.tl.float32))

        return cast

    def _reduced(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(reduction: Any, given: Any) -> Any:
            tensors = given if isinstance(given, tuple) else (given,)
            if not any(self._is(tensor.handle) for tensor in tensors):
                return original(reduction, given)
            wide = tuple(
                self._tensor(tensor, self._wide(tensor.handle)) if self._is(tensor.handle) else tensor
                for tensor in tensors
            )
            results = original(reduction, wide if isinstance(given, tuple) else wide[0])
            pairs = zip(tensors, results if isinstance(results, tuple) else (results,), strict=False)
            back = tuple(
                self._tensor(result, self._narrow(result.handle)) if self._is(tensor.handle) else result
                for tensor, result in pairs
            )
            return back if isinstance(results, tuple) else back[0]

        return apply

    def _tensor(self, like: Any, handle: Any) -> Any:
        shape = list(like.shape)
        kind = handle.dtype.scalar
        return self.tl.tensor(handle, self.tl.block_type(kind, shape) if shape else kind)
