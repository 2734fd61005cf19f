"""Functions of the grader that the attempt calls, gradients, and what a call costs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from thinkllm_drill.judge.failures import AttemptDied, AttemptRaised, RuleBroken, Wrong
from thinkllm_drill.judge.proxy import Attempt

SOURCE = """
import threading
import torch
from torch import nn

def loop(model, n):
    out = []
    for k in range(n):
        out.append(model(torch.full((1,), float(k)), step=k))
    return out

def guarded(tool):
    try:
        return tool(1)
    except ValueError as error:
        return f"saw {type(error).__name__}: {error}"

def swallow(tool):
    try:
        tool(1)
    except Exception:
        pass
    return "all is well"

def same(f, g):
    return f is g

def inc(x):
    return x + 1

def in_a_thread(f):
    found = []
    thread = threading.Thread(target=lambda: found.append(f(2)))
    thread.start()
    thread.join()
    return found

def dies(f):
    f()
    import os
    os._exit(0)

def linear(x, w, b=None):
    y = x @ w
    return y if b is None else y + b

class Overwriting(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, what):
        out = x * 2
        ctx.save_for_backward(x, out)
        ctx.what = what
        return out

    @staticmethod
    def backward(ctx, grad):
        x, out = ctx.saved_tensors
        found = grad * 2
        {"grad": grad, "x": x, "out": out}.get(ctx.what, found.clone()).copy_(found)
        return found, None

def overwriting(x, what):
    return Overwriting.apply(x, what)

def pair(xs, unused):
    return xs[0] * 2, {"a": xs[1].exp(), "n": 3}

def cut(x):
    return x.detach() * 2

def half_cut(x):
    return x * 2, x.detach()

class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 2)
        self.idle = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return self.inner(x)

    def slow(self, x):
        return x @ x @ x

def products(a, b):
    return torch.bmm(a.expand(2, *a.shape), b.expand(2, *b.shape))

def grouped(q, k, how):
    groups = q.shape[0] // k.shape[0]
    if how == "repeat_interleave":
        k = k.repeat_interleave(groups, 0)
    elif how == "expand":
        k = k[:, None].expand(-1, groups, -1, -1).reshape(q.shape[0], *k.shape[1:])
    elif how == "repeat":
        k = k.repeat(groups, 1, 1)
    elif how == "cat":
        k = torch.cat([k] * groups)
    elif how == "index":
        k = k[torch.arange(q.shape[0]) // groups]
    else:
        q = q.reshape(k.shape[0], groups, *q.shape[1:])
        return torch.einsum("hgqd,hkd->hgqk", q, k)
    return torch.einsum("hqd,hkd->hqk", q, k)

def temporaries(x, n):
    for _ in range(n):
        x = x + 1
    return x

def hoard(x, n):
    kept = [x + k for k in range(n)]
    return kept[0]

def outer(x):
    return (x[:, None] * x[None, :]).sum()
"""


def test_arguments_of_callbacks_arrive_and_results_return(attempt: Attempt) -> None:
    seen: list[Any] = []

    def model(x: torch.Tensor, *, step: int) -> Any:
        seen.append((x.item(), step))
        return x * 2, {"step": step}

    found = attempt.loop(model, 3)
    assert seen == [(0.0, 0), (1.0, 1), (2.0, 2)]
    assert [(x.item(), more) for x, more in found] == [(0.0, {"step": 0}), (2.0, {"step": 1}), (4.0, {"step": 2})]


def test_an_exception_of_a_callback_is_raised_there(attempt: Attempt) -> None:
    def tool(x: int) -> int:
        raise ValueError("no such tool")

    assert attempt.guarded(tool) == "saw ValueError: no such tool"
    with pytest.raises(AttemptRaised) as raised:
        attempt.loop(lambda x, step: 1 // 0, 1)
    assert raised.value.type_name == "ZeroDivisionError"
    assert raised.value.cause.frames[-1].function == "loop"


def test_an_exception_that_is_not_built_in_becomes_a_runtime_error(attempt: Attempt) -> None:
    class Own(Exception):
        pass

    def tool(x: int) -> int:
        raise Own("mine")

    with pytest.raises(AttemptRaised, match="RuntimeError: Own: mine"):
        attempt.guarded(tool)


def test_a_failure_in_a_callback_ends_the_check_even_if_it_is_swallowed(attempt: Attempt) -> None:
    def tool(x: int) -> int:
        raise RuleBroken("called too often")

    with pytest.raises(RuleBroken, match="called too often"):
        attempt.swallow(tool)
    assert attempt.inc(1) == 2


def test_a_failure_in_a_callback_comes_first_when_the_runner_ends_after_it(make: Any) -> None:
    attempt = make(SOURCE)

    def tool() -> None:
        raise Wrong("seen")

    with pytest.raises(Wrong, match="seen"):
        attempt.dies(tool)
    with pytest.raises(AttemptDied):
        attempt.dies(lambda: None)
    with pytest.raises(AttemptDied):
        attempt.loop(lambda x, step: attempt.dies(lambda: None), 1)
    assert attempt.inc(1) == 2


def test_callbacks_may_call_the_attempt(attempt: Attempt) -> None:
    assert attempt.loop(lambda x, step: attempt.inc(step), 3) == [1, 2, 3]
    assert attempt.loop(lambda x, step: attempt.loop(lambda y, step: step, step), 3) == [[], [0], [0, 1]]


def test_a_callback_is_one_object_there(attempt: Attempt) -> None:
    def f() -> None: ...

    assert attempt.same(f, f)
    assert not attempt.same(f, lambda: None)


def test_a_callback_from_a_thread(attempt: Attempt) -> None:
    assert attempt.in_a_thread(lambda x: x * 10) == [20]


def test_gradients_of_a_function(attempt: Attempt) -> None:
    x, w, b = torch.randn(4, 3), torch.randn(3, 2), torch.randn(2)
    cotangent = torch.randn(4, 2)
    output, found = attempt.vjp(attempt["linear"], {"x": x, "w": w, "b": b}, ["x", "w", "b"], {0: cotangent})
    assert torch.allclose(output, x @ w + b)
    assert torch.allclose(found["x"], cotangent @ w.T)
    assert torch.allclose(found["w"], x.T @ cotangent)
    assert torch.allclose(found["b"], cotangent.sum(0))
    output, found = attempt.vjp(attempt["linear"], {"x": x, "w": w}, ["x", "w", "b"], None)
    assert found == {}


def test_gradients_of_lists_and_of_several_outputs(attempt: Attempt) -> None:
    xs = [torch.ones(2), torch.zeros(3), torch.ones(1)]
    cotangents = {0: torch.tensor([1.0, 2.0]), 1: torch.ones(3)}
    _, found = attempt.vjp(attempt["pair"], {"xs": xs, "unused": torch.ones(2)}, ["xs", "unused"], cotangents)
    assert {name: gradient.tolist() for name, gradient in found.items()} == {
        "xs[0]": [2.0, 4.0],
        "xs[1]": [1.0, 1.0, 1.0],
        "xs[2]": [0.0],
        "unused": [0.0, 0.0],
    }


def test_gradients_of_parameters(attempt: Attempt) -> None:
    layer = attempt.Layer()
    x = torch.randn(5, 3)
    _, found = layer.vjp({"x": x}, ["x", "parameters"], {0: torch.ones(5, 2)})
    assert set(found) == {"x", "parameters.inner.weight", "parameters.inner.bias", "parameters.idle"}
    assert torch.allclose(found["parameters.inner.weight"], x.sum(0).expand(2, 3))
    assert found["parameters.idle"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("what", "told"), [("nothing", []), ("grad", ["grad_outputs[0]"]), ("x", ["x"]), ("out", ["outputs[0]"])]
)
def test_what_a_backward_pass_writes_over_is_told(attempt: Attempt, what: str, told: list[str]) -> None:
    inputs = {"x": torch.ones(2), "what": what}
    _, found = attempt.vjp(attempt["overwriting"], inputs, ["x"], {0: torch.tensor([3.0, 4.0])})
    assert found["x"].tolist() == [6.0, 8.0]
    assert attempt.changed == told


def test_a_graph_that_is_cut_off_is_told(attempt: Attempt) -> None:
    with pytest.raises(Wrong, match="no gradient flows"):
        attempt.vjp(attempt["cut"], {"x": torch.ones(2)}, ["x"], {0: torch.ones(2)})
    _, found = attempt.vjp(attempt["half_cut"], {"x": torch.ones(2)}, ["x"], {0: torch.ones(2)})
    assert found["x"].tolist() == [2.0, 2.0]
    with pytest.raises(Wrong, match="no gradient flows"):
        attempt.vjp(attempt["half_cut"], {"x": torch.ones(2)}, ["x"], {0: torch.ones(2), 1: torch.ones(2)})
    with pytest.raises(Wrong, match="no gradient flows"):
        attempt.vjp(attempt["cut"], {"x": torch.ones(2)}, ["x"], {3: torch.ones(2)})


def test_flops_count_matrix_products(attempt: Attempt) -> None:
    a, b = torch.ones(5, 7), torch.ones(7, 3)
    assert attempt.profile("linear", a, b).flops == 2 * 5 * 7 * 3
    assert attempt.profile("products", a=a, b=b).flops == 2 * 2 * 5 * 7 * 3
    layer = attempt.Layer()
    assert layer.profile(torch.ones(4, 3)).flops == 2 * 4 * 3 * 2
    assert layer.slow.profile(torch.ones(4, 4)).flops == 2 * 2 * 4**3
    assert attempt.profile(attempt["inc"], 1).operations == 0


def test_memory_of_a_call(attempt: Attempt) -> None:
    x = torch.ones(1000)
    cost = attempt.profile("outer", x)
    assert cost.largest_bytes == 4_000_000
    assert cost.peak_bytes >= 4_000_000
    little, much = attempt.profile("temporaries", x, 50), attempt.profile("hoard", x, 50)
    assert little.largest_bytes == much.largest_bytes == 4000
    assert little.peak_bytes <= 3 * 4000
    assert much.peak_bytes >= 50 * 4000


@pytest.mark.parametrize("how", ["repeat_interleave", "expand", "repeat", "cat", "index"])
def test_a_copy_that_expands_is_seen(attempt: Attempt, how: str) -> None:
    q, k = torch.ones(8, 3, 4), torch.ones(2, 5, 4)
    cost = attempt.profile("grouped", q, k, how)
    assert cost.expanded_bytes == 4 * k.numel() * 4
    assert cost.expanded_from == k.numel() * 4
    assert cost.expanded_by


def test_grouped_products_expand_nothing(attempt: Attempt) -> None:
    cost = attempt.profile("grouped", torch.ones(8, 3, 4), torch.ones(2, 5, 4), "einsum")
    assert (cost.expanded_bytes, cost.expanded_by) == (0, "")
    assert cost.flops == 2 * 8 * 3 * 5 * 4
