"""A forbidden call is refused and named, however it is reached; what is not forbidden is left alone."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import pytest
import torch

from thinkllm_drill.judge.failures import RuleBroken
from thinkllm_drill.judge.proxy import Attempt

SOFTMAX = ("torch.softmax", "torch.log_softmax", "torch.logsumexp")
SDPA = "torch.nn.functional.scaled_dot_product_attention"

WAYS = {
    "call": "torch.softmax(x, -1)",
    "method": "x.softmax(-1)",
    "alias": "bound(x, -1)",
    "functional": "F.softmax(x, -1)",
    "imported": "imported(x, -1)",
    "getattr": "getattr(torch, 'soft' + 'max')(x, -1)",
    "special": "torch.special.softmax(x, -1)",
    "module": "nn.Softmax(-1)(x)",
    "softmin": "F.softmin(x, -1)",
    "aten": "torch.ops.aten._softmax(x, -1, False)",
    "aten-int": "torch.ops.aten.softmax.int(x, -1)",
    "private": "torch._softmax(x, -1, False)",
    "class-method": "torch.Tensor.softmax(x, -1)",
    "out": "torch._C._VariableFunctions.softmax(x, -1)",
    "no-grad": "no_grad(lambda: x.softmax(-1))",
    "inference": "inference(lambda: x.softmax(-1))",
    "gradients": "x.clone().requires_grad_().softmax(-1)",
    "half": "x.bfloat16().softmax(-1)",
    "double": "x.double().softmax(-1)",
    "thread": "in_thread(lambda: x.softmax(-1))",
    "disabled": "disabled(lambda: torch.softmax(x, -1))",
    "swallowed": "swallowed(lambda: x.softmax(-1))",
    "log": "torch.log_softmax(x, -1).exp()",
    "log-module": "nn.LogSoftmax(-1)(x)",
    "logsumexp": "(x - x.logsumexp(-1, keepdim=True)).exp()",
    "gumbel": "F.gumbel_softmax(x)",
    "mask": "(x + 0).masked_fill(x > 9, 0).softmax(-1)",
    "vmap": "torch.vmap(lambda row: row.softmax(-1))(x)",
    "traced": "torch.jit.trace(lambda t: t.softmax(-1), x)(x)",
    "scripted": "scripted(x)",
    "scripted-functional": "scripted_functional(x)",
    "compiled": "torch.compile(lambda t: t.softmax(-1))(x)",
    "compiled-before": "compiled(x)",
    "compiled-module": "torch.compile(nn.Softmax(-1))(x)",
    "partial": "functools.partial(torch.softmax, dim=-1)(x)",
    "mapped": "next(map(torch.softmax, [x], [-1]))",
    "imported-by-name": "importlib.import_module('torch.nn.functional').softmax(x, -1)",
    "__import__": "__import__('torch').softmax(x, -1)",
    "eval": "eval('torch.softmax(x, -1)')",
    "attrgetter": "operator.methodcaller('softmax', -1)(x)",
    "executor": "list(concurrent.futures.ThreadPoolExecutor(1).map(lambda t: t.softmax(-1), [x]))",
    "no-modes": "without_modes(lambda: torch.softmax(x, -1))",
    "below-autograd": "below(lambda: torch.softmax(x, -1))",
    "func": "torch.func.grad(lambda t: t.softmax(-1)[0, 0])(x)",
    "safe": "torch.ops.aten._safe_softmax(x, -1)",
    "written-to": "torch.softmax(x, -1, out=torch.empty(2, 3))",
    "references": "importlib.import_module('torch._refs').softmax(x, -1)",
    "functional-references": "importlib.import_module('torch._refs.nn.functional').softmax(x, -1)",
    "decomposition": "importlib.import_module('torch._decomp.decompositions')._softmax(x, -1, False)",
    "sparse": "torch.sparse.softmax(x.to_sparse(), -1).to_dense()",
    "meta-class": "type('Mine', (nn.Softmax,), {})(-1)(x)",
    "forward-alone": "nn.Softmax.forward(types.SimpleNamespace(dim=-1), x)",
}
SOURCE = '''
import concurrent.futures, functools, importlib, operator, threading, types
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.functional import softmax as imported

bound = torch.softmax

@torch.compile
def compiled(x):
    return x.softmax(-1)

@torch.jit.script
def scripted(x: torch.Tensor) -> torch.Tensor:
    return torch.softmax(x, -1)

@torch.jit.script
def scripted_functional(x: torch.Tensor) -> torch.Tensor:
    return F.softmax(x, -1)

def without_modes(f):
    from torch.utils._python_dispatch import _disable_current_modes
    with _disable_current_modes():
        return f()

def below(f):
    with torch._C._AutoDispatchBelowAutograd():
        return f()

def no_grad(f):
    with torch.no_grad():
        return f()

def inference(f):
    with torch.inference_mode():
        return f()

def in_thread(f):
    found = []
    def run():
        try:
            found.append(f())
        except Exception:
            found.append(None)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return x_uniform if found[0] is None else found[0]

def disabled(f):
    with torch._C.DisableTorchFunction():
        return f()

def swallowed(f):
    try:
        return f()
    except Exception:
        return x_uniform

x_uniform = torch.ones(2, 3)

def by_hand(x):
    e = (x - x.amax(-1, keepdim=True)).exp()
    return e / e.sum(-1, keepdim=True)

def softmax(x):
    """A name of the learner's own."""
    return by_hand(x)

def others(x):
    y = F.relu(x) + torch.sigmoid(x) + torch.tanh(x) + F.layer_norm(x, x.shape[-1:])
    return nn.Linear(3, 2)(y).topk(1).values.sum() * 0

def with_callback(f, x):
    try:
        x.softmax(-1)
    except Exception:
        pass
    return f()

def plain():
    return 1

def attention(q, how):
    if how == "call":
        return F.scaled_dot_product_attention(q, q, q)
    if how == "aten":
        return torch.ops.aten.scaled_dot_product_attention(q, q, q)
    if how == "flash":
        return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, q, q)[0]
    if how == "math":
        return torch.ops.aten._scaled_dot_product_attention_math(q, q, q)[0]
    if how == "module":
        return nn.MultiheadAttention(4, 1, batch_first=True)(q[:, 0], q[:, 0], q[:, 0])[0]
    if how == "layer":
        return nn.TransformerEncoderLayer(4, 1, 8, batch_first=True).eval()(q[:, 0])
    return by_hand(q @ q.mT) @ q
''' + "".join(f"\ndef way_{number}(x):\n    return {way}\n" for number, way in enumerate(WAYS.values()))


@pytest.fixture(scope="module")
def guarded(fork_launcher: Any) -> Any:
    attempt = Attempt(fork_launcher, SOURCE.encode(), "attempt.py", forbid=SOFTMAX)
    yield attempt
    attempt.close()


@pytest.fixture(scope="module")
def no_attention(fork_launcher: Any) -> Any:
    attempt = Attempt(fork_launcher, SOURCE.encode(), "attempt.py", forbid=[SDPA, "torch.nn.MultiheadAttention"])
    yield attempt
    attempt.close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_a_forbidden_call(guarded: Attempt, way: str) -> None:
    function = guarded[f"way_{list(WAYS).index(way)}"]
    with pytest.raises(RuleBroken) as broken:
        function(torch.randn(2, 3))
    expected = {"log": "torch.log_softmax", "log-module": "torch.log_softmax", "logsumexp": "torch.logsumexp"}
    if way not in ("gumbel",):
        assert expected.get(way, "torch.softmax") in broken.value.cause.message


@pytest.mark.parametrize(
    ("way", "code", "used"),
    [
        ("method", "return x.softmax(-1)", "x.softmax"),
        ("alias", "return bound(x, -1)", "bound"),
        ("thread", "return in_thread(lambda: x.softmax(-1))", "x.softmax"),
        ("swallowed", "return swallowed(lambda: x.softmax(-1))", "x.softmax"),
        ("compiled-before", "return x.softmax(-1)", "x.softmax"),
        ("getattr", "return getattr(torch, 'soft' + 'max')(x, -1)", "getattr(torch, 'soft' + 'max')"),
        ("gumbel", "return F.gumbel_softmax(x)", "F.gumbel_softmax"),
        ("module", "return nn.Softmax(-1)(x)", "nn.Softmax"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_the_learners_line_is_named_and_what_stands_there(guarded: Attempt, way: str, code: str, used: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        guarded[f"way_{list(WAYS).index(way)}"](torch.ones(2, 3))
    frame = broken.value.cause.frames[-1]
    assert frame.code == code
    assert f"`{used}` on line {frame.line} calls torch.softmax" in broken.value.cause.message


def test_a_function_of_torch_that_bears_a_name_of_the_attempt(make: Any) -> None:
    source = "import functools, torch\n\nweights = functools.partial(torch.softmax, dim=-1)\n"
    with pytest.raises(RuleBroken, match=r"`torch\.softmax` on line 3 is not allowed") as broken:
        make(source, forbid=SOFTMAX).weights(torch.ones(3))
    assert broken.value.cause.frames[-1].code == "weights = functools.partial(torch.softmax, dim=-1)"


def test_several_forbidden_names_are_all_told(make: Any) -> None:
    source = """
    import torch
    def run(x):
        for call in (torch.softmax, torch.log_softmax):
            try:
                call(x, -1)
            except Exception:
                pass
    """
    with pytest.raises(RuleBroken) as broken:
        make(textwrap.dedent(source), forbid=SOFTMAX).run(torch.ones(3))
    assert [line.split("calls ")[1].split(",")[0] for line in broken.value.cause.message.splitlines()] == [
        "torch.softmax",
        "torch.log_softmax",
    ]


def test_compiling_does_nothing_to_an_honest_attempt(make: Any) -> None:
    source = """
    import torch

    @torch.compile(mode="max-autotune")
    def plus(x):
        return x + 1

    class Layer(torch.nn.Module):
        def forward(self, x):
            return x * 2

    def run(x):
        layer = Layer()
        layer.compile()
        return torch.compile(layer)(plus(x))
    """
    attempt = make(textwrap.dedent(source))
    assert attempt.run(torch.ones(2)).tolist() == [4.0, 4.0]
    assert attempt.plus(torch.ones(1)).tolist() == [2.0]


def test_what_is_written_by_hand_is_left_alone(guarded: Attempt) -> None:
    x = torch.randn(2, 3)
    assert torch.allclose(guarded.softmax(x), torch.softmax(x, -1))
    assert guarded.others(x).isfinite()
    _, found = guarded.vjp(guarded["by_hand"], {"x": x}, ["x"], {0: torch.ones(2, 3)})
    assert torch.allclose(found["x"], torch.zeros(2, 3), atol=1e-6)


def test_one_call_does_not_accuse_the_next(guarded: Attempt) -> None:
    with pytest.raises(RuleBroken):
        guarded.way_0(torch.ones(2, 3))
    assert guarded.plain() == 1


def test_a_question_from_a_callback_does_not_hide_an_earlier_call(guarded: Attempt) -> None:
    with pytest.raises(RuleBroken):
        guarded.with_callback(lambda: guarded.plain(), torch.ones(2, 3))


def test_a_forbidden_call_in_gradients_and_in_the_file_itself(guarded: Attempt, make: Any) -> None:
    with pytest.raises(RuleBroken):
        guarded.vjp(guarded["way_1"], {"x": torch.ones(2, 3)}, ["x"], {0: torch.ones(2, 3)})
    with pytest.raises(RuleBroken):
        make("import torch\nTABLE = torch.ones(3).softmax(0)\n", forbid=SOFTMAX).load()


@pytest.mark.parametrize("how", ["call", "aten", "flash", "math", "module", "layer"])
def test_attention_by_torch(no_attention: Attempt, how: str) -> None:
    with pytest.raises(RuleBroken, match="is not allowed"):
        no_attention.attention(torch.randn(2, 3, 5, 4), how)


def test_attention_by_hand_may_use_softmax(no_attention: Attempt) -> None:
    q = torch.randn(2, 3, 5, 4)
    expected = torch.softmax(q @ q.mT, -1) @ q
    assert torch.allclose(no_attention.attention(q, "hand"), expected, atol=1e-5)
    assert no_attention.way_0(torch.zeros(1, 4)).tolist() == [[0.25] * 4]


UNKNOWN = ("no.such.name", "torch.no_such_name", "collections.OrderedDict.keys")  # the last cannot be replaced
OPTIMIZER = """
import torch
from torch import optim
def make(): return torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))])
def sgd(): return optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=1.0)
def derive():
    class Mine(torch.optim.Optimizer): pass
def schedule(): return torch.optim.lr_scheduler.StepLR
def functional():
    from torch.optim.adamw import adamw
    return adamw([], [], [], [], [], [], amsgrad=False)
def plain(): return 1
"""


def test_a_forbidden_module(make: Any) -> None:
    attempt = make(OPTIMIZER, forbid=["torch.optim"])
    for name in ("make", "sgd", "derive", "functional"):
        with pytest.raises(RuleBroken, match=r"torch\.optim"):
            attempt[name]()
    assert attempt.plain() == 1


@pytest.mark.parametrize(
    ("forbid", "line"),
    [
        ("sorted", "sorted([2, 1])"),
        ("heapq.heappush", "heapq.heappush([], 1)"),
        ("builtins.eval", "eval('1')"),
        ("torch.nn.Linear", "torch.nn.Linear(2, 2)"),
        ("torch.Tensor.backward", "torch.ones(1, requires_grad=True).sum().backward()"),
        ("torch.autograd.grad", "torch.autograd.grad(torch.ones(1, requires_grad=True).sum(), [])"),
    ],
)
def test_other_names(make: Any, forbid: str, line: str) -> None:
    source = textwrap.dedent(f"import collections, heapq, torch\ndef run():\n    return {line}\ndef fine(): return 1\n")
    attempt = make(source, forbid=[forbid, *UNKNOWN])
    assert attempt.fine() == 1
    with pytest.raises(RuleBroken, match=re.escape(forbid)):
        attempt.run()
