# Generated from solutions/nn/autograd_engine.py; do not edit. thinkllm dev render
"""A scalar autograd engine: reverse-mode differentiation over the graph of an expression.

Source: Baydin et al. 2018, Automatic Differentiation in Machine Learning: a Survey (arXiv:1502.05767), section 3.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(eq=False)  # two nodes are equal if they are the same
class Value:
    """A number that remembers what it was computed from."""

    data: float
    grad: float = field(default=0.0, init=False)
    _inputs: tuple[tuple[Value, float], ...] = field(default=(), init=False, repr=False)  # operands, d self / d operand

    def __post_init__(self) -> None:
        self.data = float(self.data)

    def __add__(self, other: Value | float) -> Value:
        """Return self + other."""
        raise NotImplementedError("blank 1: Value.__add__")

    def __mul__(self, other: Value | float) -> Value:
        """Return self · other."""
        raise NotImplementedError("blank 2: Value.__mul__")

    def __pow__(self, n: float) -> Value:
        """Return self to the power of n, a plain number."""
        raise NotImplementedError("blank 3: Value.__pow__")

    def exp(self) -> Value:
        """Return the exponential of self."""
        raise NotImplementedError("blank 4: Value.exp")

    def log(self) -> Value:
        """Return the natural logarithm of self."""
        raise NotImplementedError("blank 5: Value.log")

    def tanh(self) -> Value:
        """Return the hyperbolic tangent of self."""
        raise NotImplementedError("blank 6: Value.tanh")

    def relu(self) -> Value:
        """Return self where it is positive, else 0."""
        raise NotImplementedError("blank 7: Value.relu")

    def backward(self) -> None:
        """Add d self / d v to v.grad, for self and for every Value v that it was computed from."""
        raise NotImplementedError("blank 8: Value.backward")

    def __neg__(self) -> Value:
        """Return −self."""
        raise NotImplementedError("blank 9: Value.__neg__")

    def __sub__(self, other: Value | float) -> Value:
        """Return self − other."""
        raise NotImplementedError("blank 10: Value.__sub__")

    def __truediv__(self, other: Value | float) -> Value:
        """Return self / other."""
        raise NotImplementedError("blank 11: Value.__truediv__")

    def __radd__(self, other: float) -> Value:
        """Return other + self."""
        raise NotImplementedError("blank 12: Value.__radd__")

    def __rsub__(self, other: float) -> Value:
        """Return other − self."""
        raise NotImplementedError("blank 13: Value.__rsub__")

    def __rmul__(self, other: float) -> Value:
        """Return other · self."""
        raise NotImplementedError("blank 14: Value.__rmul__")

    def __rtruediv__(self, other: float) -> Value:
        """Return other / self."""
        raise NotImplementedError("blank 15: Value.__rtruediv__")


def _value(number: Value | float) -> Value:
    """Return number as a Value; a Value stays what it is."""
    return number if isinstance(number, Value) else Value(number)


def _node(data: float, *inputs: tuple[Value, float]) -> Value:
    """Return a new Value that was computed from these operands, each with the derivative with respect to it."""
    result = Value(data)
    result._inputs = inputs
    return result
