"""`tl.dot` in Triton's interpreter as a GPU does it: operands of float32 are rounded to TF32, tiles have a least depth.

The interpreter multiplies float32 exactly whatever `input_precision` says. Tensor cores since Ampere take ten bits of
each operand unless the kernel asks for "ieee" or "tf32x3", which is an error of 2⁻¹¹ that the CPU would hide.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

TF32_DROPS = 13
"""Bits of a float32 that TF32 has not."""


def mend(interpreter: Any) -> None:
    """Make the dot product of an imported interpreter what it is on a GPU."""
    builder = interpreter.InterpreterBuilder
    original = builder.create_dot
    handle = interpreter.TensorHandle

    def dot(self: Any, a: Any, b: Any, *args: Any) -> Any:
        if any(getattr(arg, "name", "") == "TF32" for arg in args):
            a, b = (handle(tf32(x.data), x.dtype) if x.data.dtype == np.float32 else x for x in (a, b))
        return original(self, a, b, *args)

    dot.unrounded = original  # type: ignore[attr-defined]
    builder.create_dot = dot
    interpreter.interpreter_builder.codegen_fns["min_dot_size"] = _least


def exact(call: Callable[..., Any], /, **inputs: Any) -> Any:
    """What a call returns where `tl.dot` rounds nothing to TF32, which tells whether that is what was wrong."""
    builder = importlib.import_module("triton.runtime.interpreter").InterpreterBuilder
    rounding = builder.create_dot
    builder.create_dot = rounding.unrounded
    try:
        return call(**inputs)
    finally:
        builder.create_dot = rounding


def tf32(numbers: Any) -> Any:
    """The nearest numbers that have ten bits after the point, ties away from zero; NaN and infinities as they are."""
    bits = np.array(numbers, np.float32, order="C").view(np.uint32)
    nearest = (bits + (1 << (TF32_DROPS - 1))) & np.uint32(0xFFFFFFFF << TF32_DROPS & 0xFFFFFFFF)
    return np.where(np.isfinite(numbers), nearest.view(np.float32), numbers).astype(np.float32)


def _least(left: Any, _: Any) -> tuple[int, int, int]:
    """The smallest (M, N, K) of a product on NVIDIA's GPUs."""
    return (1, 1, 32) if left.scalar.primitive_bitwidth == 8 else (1, 1, 16)
