"""Bytes alive at once and bytes saved for backward."""

from __future__ import annotations

import pytest
import torch

from thinkllm_drill.judge.proxy import Attempt

SOURCE = """
import threading
import torch
from torch import nn

def whole(q, k, v):
    return (q @ k.T).softmax(-1) @ v

def chunked(q, k, v, size=16):
    top = torch.full((len(q), 1), -torch.inf)
    total, out = torch.zeros(len(q), 1), torch.zeros(len(q), v.shape[1])
    for start in range(0, len(k), size):
        scores = q @ k[start:start + size].T
        higher = torch.maximum(top, scores.amax(-1, keepdim=True))
        old, new = (top - higher).exp(), (scores - higher).exp()
        total, out, top = total * old + new.sum(-1, keepdim=True), out * old + new @ v[start:start + size], higher
    return out / total

def hidden(q, k, v):
    found = []
    thread = threading.Thread(target=lambda: found.append(whole(q, k, v)))
    thread.start()
    thread.join()
    return found[0]

def viewed(x):
    again = x.new_empty(0)
    return again.set_(x.untyped_storage(), 0, x.shape, x.stride())

class Silu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        s = torch.sigmoid(x)
        ctx.save_for_backward(x, s)
        return x * s
    @staticmethod
    def backward(ctx, g):
        x, s = ctx.saved_tensors
        return g * s * (1 + x * (1 - s))

class Recomputes(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        s = torch.sigmoid(x)
        return g * s * (1 + x * (1 - s))

class Attribute(Silu):
    @staticmethod
    def forward(ctx, x):
        ctx.kept = [x, torch.sigmoid(x)]
        return x * ctx.kept[1]

class Inner(Silu):
    @staticmethod
    def forward(ctx, x):
        with torch.enable_grad():
            ctx.graph = (x.detach().requires_grad_().exp() + 1).log()
        return ctx.graph.detach()

def plain(x): return Silu.apply(x)
def recomputed(x): return Recomputes.apply(x)
def attribute(x): return Attribute.apply(x)
def inner(x): return Inner.apply(x)
def by_autograd(x): return (x.exp() + 1).log()
def views(x): return x.exp().view(-1).expand(3, -1) * 2
def nothing(x): return x + 1
def detached(x): return x.detach().exp()
def under_no_grad(x):
    with torch.no_grad():
        return x.exp() * x.sigmoid()
def checkpointed(x):
    from torch.utils.checkpoint import checkpoint
    return checkpoint(by_autograd, x, use_reentrant=False)
def own_hooks(x):
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        return x.exp()
def freed(x):
    x.exp().sum()
    return x + 1
def dictionary(inputs): return {"out": [inputs["x"].exp()]}

class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(100, 50))
        self.register_buffer("table", torch.ones(50))
    def forward(self, x):
        return (x @ self.weight * self.table).exp()
    def method(self, x):
        return self(x)

class Plain:
    def __init__(self):
        self.weight = torch.ones(100, 50, requires_grad=True)
    def run(self, x):
        return x @ self.weight
"""


@pytest.mark.parametrize("n", [64, 128])
def test_chunked_attention_against_whole(attempt: Attempt, n: int) -> None:
    q, k, v = torch.rand(n, 8), torch.rand(n, 8), torch.rand(n, 8)
    whole, chunked = attempt.profile("whole", q, k, v), attempt.profile("chunked", q, k, v)
    assert whole.largest_bytes == 4 * n * n
    assert whole.peak_bytes >= 2 * 4 * n * n
    assert chunked.largest_bytes == max(4 * n * 16, 4 * n * 8)
    assert chunked.peak_bytes < whole.peak_bytes
    assert attempt.profile("hidden", q, k, v).peak_bytes == whole.peak_bytes


def test_memory_grows_linearly_or_not(attempt: Attempt) -> None:
    costs = {
        name: [attempt.profile(name, *(torch.rand(n, 8) for _ in "qkv")) for n in (64, 128)]
        for name in ("whole", "chunked")
    }
    growth = {name: large.peak_bytes / small.peak_bytes for name, (small, large) in costs.items()}
    assert growth["whole"] > 3.5
    assert growth["chunked"] <= 2.1
    assert costs["chunked"][1].flops == pytest.approx(4 * costs["chunked"][0].flops, rel=0.1)


SIZE = 4 * 1000
SAVED = {
    "recomputed": 0,
    "plain": SIZE,
    "attribute": SIZE,
    "inner": 3 * SIZE,  # exp, exp + 1 and the result itself
    "by_autograd": 2 * SIZE,
    "views": SIZE,
    "nothing": 0,
    "detached": 0,
    "under_no_grad": 0,
    "checkpointed": 0,
    "own_hooks": SIZE,
    "freed": 0,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SAVED)
def test_bytes_saved_for_backward(attempt: Attempt, name: str) -> None:
    assert attempt.profile(name, torch.rand(1000), saved=True).saved_bytes == SAVED[name]


def test_a_view_made_of_a_storage_allocates_nothing(attempt: Attempt) -> None:
    assert attempt.profile("viewed", x=torch.ones(8, 8)).largest_bytes == 0


def test_saved_bytes_are_counted_where_they_are_asked_for(attempt: Attempt) -> None:
    assert attempt.profile("plain", torch.rand(10)).saved_bytes is None


def test_inputs_parameters_and_buffers_are_not_what_is_saved(attempt: Attempt) -> None:
    x = torch.rand(20, 100)
    layer = attempt.Layer()
    for cost in (layer.profile(x, saved=True), layer.method.profile(x, saved=True)):
        assert cost.saved_bytes == 4 * 20 * 50  # the result of exp; x, weight and table were there before
    assert attempt.Plain().run.profile(x, saved=True).saved_bytes == 0
    assert attempt.profile("dictionary", {"x": x}, saved=True).saved_bytes == 4 * 20 * 100


def test_the_runner_is_left_as_it_was(attempt: Attempt) -> None:
    attempt.profile("by_autograd", torch.rand(10), saved=True)
    assert attempt.profile("whole", *(torch.rand(4, 8) for _ in "qkv")).saved_bytes is None
    _, found = attempt.vjp(attempt["plain"], {"x": torch.zeros(2)}, ["x"], {0: torch.ones(2)})
    assert found["x"].tolist() == [0.5, 0.5]
