"""Objects that stay in the runner: classes, attributes, operators, iterators, placed tensors, shipped functions."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from thinkllm_drill.judge.failures import AttemptDied, AttemptRaised, ContractBroken
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.judge.remote import Raised, RemoteObject

SOURCE = '''
from dataclasses import dataclass
import torch
from torch import nn

class Counter:
    """Counts."""
    made = 0

    def __init__(self, start=0):
        self.count = start
        self.tags = {"a": 1}
        self.friend = None
        Counter.made += 1

    def step(self, by=1, *, twice=False):
        self.count += by * (2 if twice else 1)
        return self.count

    def me(self):
        return self

    def both(self, other):
        return [self, other, self.count + other.count]

    @property
    def double(self):
        return self.count * 2

    @classmethod
    def of(cls, start):
        return cls(start)

    def __len__(self):
        return self.count

    def __getitem__(self, key):
        return self.tags[key]

    def __setitem__(self, key, value):
        self.tags[key] = value

    def __delitem__(self, key):
        del self.tags[key]

    def __contains__(self, key):
        return key in self.tags

    def __iter__(self):
        return iter(range(self.count))

    def __call__(self, x):
        return x + self.count

class Value:
    def __init__(self, data):
        self.data = data
    def __add__(self, other):
        return Value(self.data + (other.data if isinstance(other, Value) else other))
    __radd__ = __add__
    def __mul__(self, other):
        return Value(self.data * (other.data if isinstance(other, Value) else other))
    def __rmul__(self, other):
        return Value(other * self.data)
    def __sub__(self, other):
        return Value(self.data - other)
    def __rsub__(self, other):
        return Value(other - self.data)
    def __truediv__(self, other):
        return Value(self.data / other)
    def __pow__(self, other):
        return Value(self.data ** other)
    def __neg__(self):
        return Value(-self.data)
    def __lt__(self, other):
        return self.data < other.data
    def __matmul__(self, other):
        return Value(self.data @ other)

class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner = nn.Linear(width, width)
        self.register_buffer("seen", torch.zeros(1))
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(width))])

    def forward(self, x):
        return self.inner(x) * self.scales[0]

@dataclass
class Node:
    name: str
    left: "Node | None" = None

def wrap(node):
    return Node("outer", node)

def countdown(n):
    while n:
        yield n, torch.full((1,), float(n))
        n -= 1
    return "end"

def failing():
    yield 1
    raise ValueError("in the middle")

def total(items):
    return sum(items)

def descend(params, lr):
    with torch.no_grad():
        for p in params:
            p -= lr * p.grad

def apply(f, x):
    return f(x)

def reveal(x):
    return type(x).__name__, x.requires_grad, x.is_leaf

def subclass():
    return torch.ones(2).as_subclass(Sneaky)

class Sneaky(torch.Tensor):
    pass

def five():
    return 5

class Five:
    def __new__(cls):
        return 5

class Odd:
    @property
    def __class__(self):
        return dict

def odd():
    return Odd()

class Broken(dict):
    def items(self):
        raise ValueError("no items")
    def __iter__(self):
        raise ValueError("no keys")

def broken():
    return Broken(a=1)
'''


def test_construction_methods_and_attributes(attempt: Attempt) -> None:
    counter = attempt.Counter(start=2)
    assert isinstance(counter, RemoteObject)
    assert repr(counter) == "<Counter>"
    assert counter.step() == 3
    assert counter.step(2, twice=True) == 7
    assert (counter.count, counter.double) == (7, 14)
    counter.count = 1
    assert counter.double == 2
    assert attempt.Counter.of(9).count == 9
    assert isinstance(attempt.Counter.made, int)
    assert counter.tags == {"a": 1}
    with pytest.raises(AttemptRaised, match="AttributeError"):
        _ = counter.nothing


def test_objects_are_passed_back_as_themselves(attempt: Attempt) -> None:
    one, two = attempt.Counter(1), attempt.Counter(2)
    mine, other, together = one.both(two)
    assert together == 3
    mine.count = 10
    assert (one.count, other.count) == (10, 2)
    one.friend = two
    assert one.friend.count == 2
    assert one.me().me().count == 10


def test_container_operators(attempt: Attempt) -> None:
    counter = attempt.Counter(3)
    assert len(counter) == 3
    assert bool(counter)
    assert counter["a"] == 1
    counter["b"] = torch.ones(2)
    assert torch.equal(counter["b"], torch.ones(2))
    assert "b" in counter
    del counter["b"]
    assert "b" not in counter
    assert list(counter) == [0, 1, 2]
    assert counter(4) == 7
    with pytest.raises(AttemptRaised, match="KeyError"):
        _ = counter["nothing"]


def test_arithmetic(attempt: Attempt) -> None:
    x, y = attempt.Value(3.0), attempt.Value(4.0)
    z = 2 * x + y * x - 1
    assert (1 + z).data == 18.0
    assert ((-z) / 2).data == -8.5
    assert (x**2).data == 9.0
    assert (1 - x).data == -2.0
    assert x < y
    assert y > x
    assert (attempt.Value(torch.eye(2)) @ torch.ones(2)).data.tolist() == [1, 1]


def test_state_dict_is_read_and_loaded(attempt: Attempt) -> None:
    layer = attempt.Layer(3)
    state = layer.state_dict()
    assert set(state) == {"inner.weight", "inner.bias", "seen", "scales.0"}
    state = {name: torch.full_like(tensor, 2.0) for name, tensor in state.items()}
    layer.load_state_dict(state)
    assert layer(torch.ones(1, 3)).tolist() == [[16.0, 16.0, 16.0]]
    assert layer.inner.weight.tolist() == state["inner.weight"].tolist()
    with pytest.raises(AttemptRaised, match="Missing key"):
        layer.load_state_dict({})
    assert layer.eval().training is False


def test_a_dataclass_that_is_constructed_stays_and_can_be_fetched(attempt: Attempt) -> None:
    node = attempt.Node("inner")
    assert isinstance(node, RemoteObject)
    outer = attempt.wrap(node)
    assert outer.name == "outer"
    assert outer.left.name == "inner"
    node.name = "renamed"
    assert outer.left.name == "renamed"
    assert node.fetch().name == "renamed"
    assert attempt.wrap(None).left is None


def test_a_class_that_gives_a_number_does_not_turn_numbers_into_objects(attempt: Attempt) -> None:
    assert attempt.Five() == 5
    assert attempt.five() == 5


def test_iterators(attempt: Attempt) -> None:
    items = attempt.countdown(3)
    n, tensor = next(items)
    assert (n, tensor.tolist()) == (3, [3.0])
    assert [n for n, _ in items] == [2, 1]
    with pytest.raises(StopIteration):
        next(items)
    assert attempt.total(iter_of(attempt, 4)) == 10


def iter_of(attempt: Attempt, n: int) -> Any:
    """An iterator in the runner, made by a shipped function."""
    return attempt.local("lambda n: (k for k in range(n + 1))")(n)


def test_an_iterator_that_fails_in_the_middle(attempt: Attempt) -> None:
    items = iter(attempt.failing())
    assert next(items) == 1
    with pytest.raises(AttemptRaised, match="in the middle"):
        next(items)


def test_placed_tensors_have_an_identity_and_a_gradient(attempt: Attempt) -> None:
    start = torch.tensor([1.0, 2.0])
    p = attempt.place(start)
    assert p.shape == (2,)
    assert p.grad is None
    p.grad = torch.tensor([0.5, 1.0])
    attempt.descend([p], lr=2.0)
    assert p.value().tolist() == [0.0, 0.0]
    assert start.tolist() == [1.0, 2.0]
    assert p.grad.tolist() == [0.5, 1.0]
    p.grad = None
    assert p.grad is None
    p.requires_grad_()
    assert p.requires_grad is True
    assert attempt.reveal(p) == ("Tensor", True, True)


def test_local_functions_run_there_and_are_differentiated_there(attempt: Attempt) -> None:
    square = attempt.local("lambda x: (x * x).sum()")
    assert attempt.apply(square, torch.tensor([1.0, 2.0])).item() == 5.0
    assert square(torch.tensor([3.0])).item() == 9.0
    outer = attempt.local("def outer(f, x):\n    return f(x) + 1\n")
    assert outer(attempt.Counter(2), 3) == 6
    gradient = attempt.local("lambda f, x: torch.autograd.grad(f(x.requires_grad_()), x)[0]")
    assert gradient(square, torch.tensor([3.0])).tolist() == [6.0]
    kept = attempt.local("lambda c, key: c.tags.update({key: 1})")
    counter = attempt.Counter()
    kept(counter, "z")
    assert counter.tags == {"a": 1, "z": 1}


def test_names_can_be_passed_as_arguments(attempt: Attempt) -> None:
    assert attempt.apply(attempt.total, [1, 2]) == 3
    assert attempt.apply(attempt.Counter, 4).count == 4


def test_outcome_is_the_result_or_the_exception(attempt: Attempt) -> None:
    assert attempt.outcome(lambda: attempt.five()) == 5
    raised = attempt.outcome(lambda: attempt.total(None))
    assert isinstance(raised, Raised)
    assert raised.type_name == "TypeError"
    assert "Exception" in raised.bases


def test_a_subclass_of_tensor_is_not_taken_for_a_tensor(attempt: Attempt) -> None:
    found = attempt.subclass()
    assert isinstance(found, RemoteObject)
    assert found._opaque.is_tensor


def test_objects_that_lie_about_themselves_do_not_end_the_runner(attempt: Attempt) -> None:
    with pytest.raises(ContractBroken, match="cannot be graded"):
        attempt.odd()
    assert attempt.broken() == {"a": 1}
    assert attempt.five() == 5


def test_objects_of_a_runner_that_ended_cannot_be_asked(make: Any) -> None:
    attempt = make("class Box:\n    x = 1\ndef end():\n    import os; os._exit(0)\ndef get(b):\n    return b.x\n")
    box = attempt.Box()
    with pytest.raises(AttemptDied):
        attempt.end()
    with pytest.raises(AttemptDied):
        _ = box.x
    assert attempt.get(attempt.Box()) == 1
