"""A scalar autograd engine: reverse-mode differentiation over the graph of an expression.

Source: Baydin et al. 2018, Automatic Differentiation in Machine Learning: a Survey (arXiv:1502.05767), section 3.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(eq=False)  # two nodes are equal if they are the same
class Value:
    """A number that remembers what it was computed from."""

    # region keep
    data: float
    grad: float = field(default=0.0, init=False)
    _inputs: tuple[tuple[Value, float], ...] = field(default=(), init=False, repr=False)  # operands, d self / d operand

    def __post_init__(self) -> None:
        self.data = float(self.data)

    # endregion

    def __add__(self, other: Value | float) -> Value:
        """Return self + other."""
        other = _value(other)
        return _node(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other: Value | float) -> Value:
        """Return self · other."""
        # region blank: the product, and its derivative with respect to both factors
        other = _value(other)
        return _node(self.data * other.data, (self, other.data), (other, self.data))
        # endregion

    def __pow__(self, n: float) -> Value:
        """Return self to the power of n, a plain number."""
        # region blank: the power and its derivative, which for n = 0 is 0, at 0 too
        slope = n * self.data ** (n - 1) if n else 0.0
        return _node(self.data**n, (self, slope))
        # endregion

    def exp(self) -> Value:
        """Return the exponential of self."""
        result = math.exp(self.data)
        return _node(result, (self, result))

    def log(self) -> Value:
        """Return the natural logarithm of self."""
        return _node(math.log(self.data), (self, 1 / self.data))

    def tanh(self) -> Value:
        """Return the hyperbolic tangent of self."""
        result = math.tanh(self.data)
        return _node(result, (self, 1 - result**2))

    def relu(self) -> Value:
        """Return self where it is positive, else 0."""
        # region blank: the value, and a derivative that is 0 at 0
        active = self.data > 0
        return _node(self.data if active else 0.0, (self, float(active)))
        # endregion

    def backward(self) -> None:
        """Add d self / d v to v.grad, for self and for every Value v that it was computed from."""
        # region blank: order the graph, operands before results, each once, without recursion
        order: list[Value] = []
        seen: set[Value] = set()
        stack = [(self, False)]
        while stack:
            node, operands_done = stack.pop()
            if operands_done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(operand, False) for operand, _ in node._inputs]
        # endregion
        # region blank: from self back, sum up what arrives at each Value in this call, then pass it on
        arrived = dict.fromkeys(order, 0.0)
        arrived[self] = 1.0
        for node in reversed(order):
            node.grad += arrived[node]
            for operand, slope in node._inputs:
                arrived[operand] += slope * arrived[node]
        # endregion

    def __neg__(self) -> Value:
        """Return −self."""
        return self * -1

    def __sub__(self, other: Value | float) -> Value:
        """Return self − other."""
        return self + -_value(other)

    def __truediv__(self, other: Value | float) -> Value:
        """Return self / other."""
        return self * _value(other) ** -1

    def __radd__(self, other: float) -> Value:
        """Return other + self."""
        return self + other

    def __rsub__(self, other: float) -> Value:
        """Return other − self."""
        return -self + other

    def __rmul__(self, other: float) -> Value:
        """Return other · self."""
        return self * other

    def __rtruediv__(self, other: float) -> Value:
        """Return other / self."""
        return self**-1 * other


# region keep
def _value(number: Value | float) -> Value:
    """Return number as a Value; a Value stays what it is."""
    return number if isinstance(number, Value) else Value(number)


def _node(data: float, *inputs: tuple[Value, float]) -> Value:
    """Return a new Value that was computed from these operands, each with the derivative with respect to it."""
    result = Value(data)
    result._inputs = inputs
    return result


# endregion
