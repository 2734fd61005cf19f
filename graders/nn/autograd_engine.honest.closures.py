"""Closures as in micrograd, but each pass runs on cleared gradients and adds the earlier ones afterwards; Kahn's order."""

import math
from collections import deque


class Value:
    def __init__(self, data, children=(), op=""):
        self.data = float(data)
        self.grad = 0.0
        self.children = tuple(children)
        self.op = op
        self.push = None

    def __repr__(self):
        return f"Value({self.data:g}, grad={self.grad:g})"

    @staticmethod
    def wrap(x):
        return x if isinstance(x, Value) else Value(x)

    def __add__(self, other):
        other = Value.wrap(other)
        out = Value(self.data + other.data, (self, other), "+")

        def push():
            self.grad += out.grad
            other.grad += out.grad

        out.push = push
        return out

    def __sub__(self, other):
        other = Value.wrap(other)
        out = Value(self.data - other.data, (self, other), "-")

        def push():
            self.grad += out.grad
            other.grad -= out.grad

        out.push = push
        return out

    def __mul__(self, other):
        other = Value.wrap(other)
        out = Value(self.data * other.data, (self, other), "*")

        def push():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.push = push
        return out

    def __truediv__(self, other):
        other = Value.wrap(other)
        out = Value(self.data / other.data, (self, other), "/")

        def push():
            self.grad += out.grad / other.data
            other.grad -= out.grad * self.data / (other.data * other.data)

        out.push = push
        return out

    def __pow__(self, n):
        return self.unary(self.data**n, lambda: 0.0 if n == 0 else n * math.pow(self.data, n - 1), f"**{n}")

    def unary(self, data, slope, op):
        out = Value(data, (self,), op)

        def push():
            self.grad += slope() * out.grad

        out.push = push
        return out

    def exp(self):
        result = math.exp(self.data)
        return self.unary(result, lambda: result, "exp")

    def log(self):
        return self.unary(math.log(self.data), lambda: 1.0 / self.data, "log")

    def tanh(self):
        t = math.tanh(self.data)
        return self.unary(t, lambda: (1.0 - t) * (1.0 + t), "tanh")

    def relu(self):
        return self.unary(max(self.data, 0.0), lambda: 1.0 if self.data > 0 else 0.0, "relu")

    def backward(self):
        consumers, found, todo = {self: 0}, [self], [self]
        while todo:
            for child in todo.pop().children:
                if child not in consumers:
                    consumers[child] = 0
                    found.append(child)
                    todo.append(child)
                consumers[child] += 1
        earlier = [node.grad for node in found]
        for node in found:
            node.grad = 0.0
        self.grad = 1.0
        ready = deque([self])
        while ready:
            node = ready.popleft()
            if node.push is not None:
                node.push()
            for child in node.children:
                consumers[child] -= 1
                if consumers[child] == 0:
                    ready.append(child)
        for node, grad in zip(found, earlier, strict=True):
            node.grad += grad

    def __neg__(self):
        return Value(0.0) - self

    def __rsub__(self, other):
        return Value(other) - self

    def __rtruediv__(self, other):
        return Value(other) / self

    __radd__ = __add__
    __rmul__ = __mul__
