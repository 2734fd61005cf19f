"""The scalar engine against torch.autograd on the same expressions, in float64."""

from __future__ import annotations

import random

import pytest
import torch

EXPRESSIONS = [
    "a + b * c",
    "(a - b) / c - -a",
    "a ** 3 + b ** -2 + c ** 0.5",
    "a.exp() * (b + 0.5).log() + c.tanh() * (a * c - 1).relu()",
    "2 + a * 3 - 4 / b + (1 - c) * 0.5",
    "(a + a) * a ** 2",
    "sum([a, b, c * a])",
]


def both(value, expression, numbers, calls):
    """Data and gradients of an expression, by the engine and by torch."""
    ours = [value(number) for number in numbers]
    theirs = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in numbers]
    results = [eval(expression, dict(zip("abc", leaves, strict=True))) for leaves in (ours, theirs)]
    for _ in range(calls):
        results[0].backward()
        results[1].backward(retain_graph=True)
    return [
        (results[0].data, results[1].item()),
        *((mine.grad, other.grad.item()) for mine, other in zip(ours, theirs, strict=True) if other.grad is not None),
    ]


@pytest.mark.parametrize("calls", [1, 3])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions(solution, expression, calls):
    rng = random.Random(7)
    for _ in range(20):
        for mine, right in both(
            solution("autograd_engine").Value, expression, [rng.uniform(0.3, 2) for _ in "abc"], calls
        ):
            assert mine == pytest.approx(right, rel=1e-12, abs=1e-13)


OPS = [
    lambda x, y: (x + y) * 0.5,
    lambda x, y: 0.5 - x * y / 2,
    lambda x, y: x / (y * y + 1),
    lambda x, _: (x * 0.5).exp() * 0.5,
    lambda x, _: (x.tanh() + 1.5).log(),
    lambda x, y: x.relu() + y.tanh(),
    lambda x, _: x**2 * 0.5,
]


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs(solution, seed):
    """Every node's gradient, those in between too; the nodes of two results share their history."""
    rng = random.Random(seed)
    numbers = [rng.uniform(-2, 2) for _ in range(3)]
    ours = [solution("autograd_engine").Value(number) for number in numbers]
    theirs = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in numbers]
    for _ in range(30):
        op, i, j = rng.choice(OPS), rng.randrange(len(ours)), rng.randrange(len(ours))
        for nodes in (ours, theirs):
            nodes.append(op(nodes[i], nodes[j]))
        theirs[-1].retain_grad()
    for result in (-1, -4, -1):
        ours[result].backward()
        theirs[result].backward(retain_graph=True)
    for mine, other in zip(ours, theirs, strict=True):
        right = 0.0 if other.grad is None else other.grad.item()
        assert mine.data == pytest.approx(other.item(), rel=1e-12, abs=1e-13)
        assert mine.grad == pytest.approx(right, rel=1e-11, abs=1e-12)


def test_corners(solution):
    """torch's derivatives of relu at 0 and of x⁰ at 0 are 0."""
    value = solution("autograd_engine").Value
    for expression in ("a.relu() * b", "a ** 0 + b * c", "a ** 1 + a ** 2"):
        for mine, right in both(value, expression, [0.0, 2.0, 3.0], 1):
            assert mine == right


def test_a_long_chain(solution):
    x = first = solution("autograd_engine").Value(0.5)
    y = start = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    for _ in range(20_000):
        x, y = x * 0.9999 + 0.0001, y * 0.9999 + 0.0001
    x.backward()
    y.backward()
    assert x.data == pytest.approx(y.item(), rel=1e-12)
    assert first.grad == pytest.approx(start.grad.item(), rel=1e-12)
