"""Every node has a serial number; a heap hands them out newest first, so that no order has to be built."""

import heapq
import itertools
from math import exp, inf, log

_serial = itertools.count()


class Value:
    __slots__ = ("data", "grad", "number", "parents")

    def __init__(self, data, parents=None):
        self.data, self.grad = float(data), 0.0
        self.parents = parents or []
        self.number = next(_serial)

    def __add__(self, o):
        if not isinstance(o, Value):
            return Value(self.data + o, [(self, 1.0)])
        return Value(self.data + o.data, [(self, 1.0), (o, 1.0)])

    def __mul__(self, o):
        if not isinstance(o, Value):
            return Value(self.data * o, [(self, float(o))])
        if o is self:
            return Value(self.data**2, [(self, 2 * self.data)])
        return Value(self.data * o.data, [(self, o.data), (o, self.data)])

    def __pow__(self, n):
        if n == 0:
            return Value(1.0, [(self, 0.0)])
        return Value(self.data**n, [(self, n * self.data ** (n - 1))])

    def exp(self):
        out = Value(exp(self.data))
        out.parents.append((self, out.data))
        return out

    def log(self):
        return Value(log(self.data), [(self, self.data**-1)])

    def tanh(self):
        e = exp(-2 * abs(self.data))
        t = (1 - e) / (1 + e)
        return Value(t if self.data >= 0 else -t, [(self, 4 * e / (1 + e) ** 2)])

    def relu(self):
        return Value(min(max(self.data, 0.0), inf), [(self, 1.0 if self.data > 0.0 else 0.0)])

    def backward(self):
        pending = {self.number: 1.0}
        heap = [(-self.number, self)]
        while heap:
            _, node = heapq.heappop(heap)
            g = pending.pop(node.number)
            node.grad = node.grad + g
            for parent, slope in node.parents:
                if parent.number in pending:
                    pending[parent.number] += g * slope
                else:
                    pending[parent.number] = g * slope
                    heapq.heappush(heap, (-parent.number, parent))

    def __radd__(self, o):
        return self.__add__(o)

    def __rmul__(self, o):
        return self.__mul__(o)

    def __neg__(self):
        return self.__mul__(-1.0)

    def __sub__(self, o):
        return self + (-o)

    def __rsub__(self, o):
        return (-self) + o

    def __truediv__(self, o):
        return self * o**-1

    def __rtruediv__(self, o):
        return self**-1 * o
