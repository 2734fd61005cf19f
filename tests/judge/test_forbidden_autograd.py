"""An exercise that asks for a backward pass takes autograd away, and the grader keeps its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from thinkllm_drill.judge.failures import RuleBroken
from thinkllm_drill.judge.proxy import Attempt

WAYS = {
    "grad": "torch.autograd.grad(y.sum(), x)",
    "from-import": "taken(y.sum(), x)",
    "alias": "bound(y.sum(), x)",
    "getattr": "getattr(torch, 'auto' + 'grad').grad(y.sum(), x)",
    "import": "importlib.import_module('torch.autograd').backward(y.sum())",
    "method": "y.sum().backward()",
    "unbound": "torch.Tensor.backward(y.sum())",
    "aten": "torch.ops.aten._backward(y.sum(), [x])",
    "jit-op": "torch.ops.aten.backward(y.sum())",
    "func.grad": "torch.func.grad(lambda t: (t * t).sum())(x)",
    "func.vjp": "torch.func.vjp(torch.exp, x)[1](x)",
    "func.jvp": "torch.func.jvp(torch.exp, (x,), (x,))",
    "jacrev": "torch.func.jacrev(torch.exp)(x)",
    "jacfwd": "torch.func.jacfwd(torch.exp)(x)",
    "hessian": "torch.func.hessian(lambda t: t.sum())(x)",
    "eager": "torch._functorch.eager_transforms.vjp(torch.exp, x)",
    "functional": "torch.autograd.functional.jacobian(torch.exp, x)",
    "functional-vjp": "torch.autograd.functional.vjp(torch.exp, x, x)",
    "forward": "forward_mode()",
    "make-dual": "torch._make_dual(x, x, level=torch._C._enter_dual_level())",
    "engine": "torch.autograd.Variable._execution_engine.run_backward((y.sum(),), (None,), False, False, (x,), True)",
    "new-engine": "torch._C._ImperativeEngine()",
    "graph": "torch.autograd.graph._engine_run_backward((y.sum(),), (None,), False, False, (x,), True)",
    "node": "y.grad_fn(torch.ones(3))",
    "edge": "torch.autograd.graph.get_gradient_edge(y).node(torch.ones(3))",
    "operator": "torch.ops.aten._softmax_backward_data(x, y, -1, torch.float32)",
    "function": "torch._softmax_backward_data(x, y, -1, torch.float32)",
    "thread": "in_thread(lambda: y.sum().backward())",
    "swallowed": "swallowed(lambda: y.sum().backward())",
    "partial": "functools.partial(torch.autograd.grad, y.sum())(x)",
    "compiled": "torch.compile(lambda: torch.autograd.grad(y.sum(), x))()",
}
SOURCE = """
import functools, importlib, threading
import torch
from torch.autograd import grad as taken
import torch.autograd.forward_ad as forward_ad

bound = torch.autograd.grad

def forward_mode():
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(forward_ad.make_dual(torch.ones(2), torch.ones(2)).exp())

def in_thread(f):
    thread = threading.Thread(target=swallowed, args=(f,))
    thread.start()
    thread.join()
    return torch.ones(3)

def swallowed(f):
    try:
        f()
    except Exception:
        pass
    return torch.ones(3)

class ByHand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y
    @staticmethod
    def backward(ctx, grad_out):
        y, = ctx.saved_tensors
        return grad_out * y

class Recomputes(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()
    @staticmethod
    def backward(ctx, grad_out):
        x, = ctx.saved_tensors
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(x.exp(), x, grad_out)[0]

class Keeps(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        with torch.enable_grad():
            ctx.inner = x.detach().requires_grad_().exp()
        return ctx.inner.detach()
    @staticmethod
    def backward(ctx, grad_out):
        return ctx.inner.grad_fn(grad_out)

def by_hand(x): return ByHand.apply(x)
def recomputes(x): return Recomputes.apply(x)
def keeps(x): return Keeps.apply(x)
def plain(x): return torch.softmax(x.tanh(), -1) * torch.vmap(lambda t: t * 2)(x)
def looks(x): return torch.ones(1) if x.grad_fn is None and x.is_leaf else x
def grad(x): return x * 2
""" + "".join(
    f"\ndef way{number}(x):\n    x = x.detach().requires_grad_()\n    y = x.softmax(-1)\n    return {way}\n"
    for number, way in enumerate(WAYS.values())
)


@pytest.fixture(scope="module")
def alone(fork_launcher: Any) -> Any:
    attempt = Attempt(fork_launcher, SOURCE.encode(), "attempt.py", forbid=["torch.autograd.grad", "Tensor.backward"])
    yield attempt
    attempt.close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_differentiate(alone: Attempt, way: str) -> None:
    with pytest.raises(RuleBroken, match="is not allowed") as broken:
        alone[f"way{list(WAYS).index(way)}"](torch.tensor([1.0, 2.0, 3.0]))
    assert broken.value.cause.frames


SCRIPTED = """
import torch
from typing import List, Optional

def helper(x: torch.Tensor) -> torch.Tensor:
    return torch.tanh(x)

@torch.jit.script
def fine(x: torch.Tensor) -> torch.Tensor:
    return helper(x) * 2

{line}
def differentiates(x: torch.Tensor) -> Optional[torch.Tensor]:
    outs: List[torch.Tensor] = [x.exp().sum()]
    return torch.autograd.grad(outs, [x])[0]
"""


@pytest.mark.filterwarnings("ignore")
def test_torchscript_may_be_used_but_not_to_differentiate(make: Any) -> None:
    attempt = make(SCRIPTED.format(line=""), forbid=["torch.autograd.grad"])
    assert attempt.fine(torch.zeros(2)).tolist() == [0.0, 0.0]
    with pytest.raises(RuleBroken, match=r"`torch\.jit\.script` on line"):
        make(SCRIPTED.format(line="@torch.jit.script"), forbid=["torch.autograd.grad"]).load()


@pytest.mark.parametrize("name", ["by_hand", "plain"])
def test_the_grader_still_differentiates(alone: Attempt, name: str) -> None:
    x = torch.tensor([0.5, 1.0])
    output, found = alone.vjp(alone[name], {"x": x}, ["x"], {0: torch.ones(2)})
    leaf = x.clone().requires_grad_()
    expected = leaf.exp() if name == "by_hand" else torch.softmax(leaf.tanh(), -1) * leaf * 2
    (gradient,) = torch.autograd.grad(expected.sum(), leaf)
    assert torch.allclose(output, expected)
    assert torch.allclose(found["x"], gradient)


@pytest.mark.parametrize("name", ["recomputes", "keeps"])
def test_a_backward_pass_that_leaves_it_to_autograd(alone: Attempt, name: str) -> None:
    with pytest.raises(RuleBroken, match="is not allowed"):
        alone.vjp(alone[name], {"x": torch.ones(2)}, ["x"], {0: torch.ones(2)})


def test_what_only_looks_at_a_tensor_is_left_alone(alone: Attempt) -> None:
    assert alone.looks(torch.ones(2)).tolist() == [1.0]
    assert alone["grad"](torch.ones(1)).tolist() == [2.0]


@pytest.mark.parametrize("name", ["torch.autograd", "torch.autograd.backward", "torch.func.grad", "Tensor.backward"])
def test_each_name_of_it_means_all_of_it(make: Any, name: str) -> None:
    attempt = make(SOURCE, forbid=[name])
    for way in ("grad", "method", "func.vjp"):
        with pytest.raises(RuleBroken):
            attempt[f"way{list(WAYS).index(way)}"](torch.ones(3))
    assert attempt.by_hand(torch.zeros(1)).tolist() == [1.0]
