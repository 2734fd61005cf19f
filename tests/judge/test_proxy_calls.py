"""Functions of an attempt: arguments and results cross, changed arguments are told, names are described."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from thinkllm_drill.judge.failures import AttemptRaised, ContractBroken
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.judge.wire import Record

SOURCE = """
from __future__ import annotations
import enum
from dataclasses import dataclass, field
from typing import NamedTuple
import numpy as np
import torch
from torch import nn

LIMIT = 3

def echo(x, *rest, **named):
    return x

def geometry(x):
    return list(x.shape), list(x.stride()), x.storage_offset(), x.is_contiguous(), x.requires_grad

def same_storage(x, y):
    return x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()

def change(x, keep=True):
    if not keep:
        x[0] = 7
    return None

def append(items, settings):
    settings["new"] = items.append(1)

def draw(n, generator):
    return torch.rand(n, generator=generator)

@dataclass
class Step:
    thought: str
    scores: list = field(default_factory=list)
    weight: torch.Tensor | None = None

class Pair(NamedTuple):
    low: int
    high: int

def make_step(thought):
    return Step(thought, [1.5, Pair(1, 2)], torch.ones(2))

def read_step(step):
    return type(step) is Step, step.thought, [type(item).__name__ for item in step.scores]

class Colour(enum.Enum):
    RED = 1

def kinds():
    return [1, True, None, 2.5, "中文", b"x", (1,), {2}, frozenset([3]), {(1, 2): "t"}, np.float32(1.5), np.arange(3),
            torch.float16, torch.device("cpu"), nn.Parameter(torch.ones(1)), torch.Size([2])]

def colour():
    return Colour.RED

def top(x):
    return x.topk(2)

def error():
    return ValueError("returned, not raised")

def many(n):
    return {str(k): torch.full((k % 7,), float(k)) for k in range(n)}

def defaults(x, *, scale=2.0, **others):
    return x * scale

class Layer(nn.Module):
    def __init__(self, width, bias=True):
        super().__init__()
        self.inner = nn.Linear(width, width, bias)

    def forward(self, x, mask=None):
        return self.inner(x)

    @staticmethod
    def helper(a, b):
        return a + b

    def _private(self):
        return 0
"""


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        10**40,
        float("inf"),
        "中文\ud800",
        b"\0\xff",
        [1, [2]],
        (1, (2,)),
        {1: {"a": ()}},
        {1, 2},
        frozenset("ab"),
    ],
    ids=repr,
)
def test_plain_values_come_back(attempt: Attempt, value: Any) -> None:
    got = attempt.echo(value)
    assert got == value
    assert type(got) is type(value)


def test_everything_a_function_may_return(attempt: Attempt) -> None:
    got = attempt.kinds()
    assert got[:10] == [1, True, None, 2.5, "中文", b"x", (1,), {2}, frozenset([3]), {(1, 2): "t"}]
    assert type(got[10]) is np.float32
    assert got[11].tolist() == [0, 1, 2]
    assert got[12:14] == [torch.float16, torch.device("cpu")]
    assert type(got[14]) is torch.nn.Parameter
    assert got[15] == (2,)


def test_arguments_by_position_and_by_name(attempt: Attempt) -> None:
    assert attempt.defaults(torch.ones(2)).tolist() == [2, 2]
    assert attempt.defaults(x=torch.ones(2), scale=3.0, other=[1]).tolist() == [3, 3]
    assert attempt["defaults"](2.0) == 4.0


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(12.0).reshape(3, 4).T,
        torch.arange(12.0)[2::3],
        torch.arange(3.0).expand(4, 3),
        torch.zeros(0, 3),
        torch.tensor(2.5),
        torch.arange(24.0).reshape(2, 3, 4).transpose(0, 2)[1:, :, 1],
        torch.ones(2, requires_grad=True),
    ],
    ids=["transposed", "strided", "expanded", "empty", "0-dim", "view", "grad"],
)
def test_layouts_survive(attempt: Attempt, tensor: torch.Tensor) -> None:
    shape, stride, offset, contiguous, grad = attempt.geometry(tensor)
    assert (shape, stride) == (list(tensor.shape), list(tensor.stride()))
    assert (offset, contiguous, grad) == (tensor.storage_offset(), tensor.is_contiguous(), tensor.requires_grad)
    back = attempt.echo(tensor)
    assert torch.equal(back, tensor)
    assert back.stride() == tensor.stride()


def test_arguments_that_share_a_storage_share_it_there(attempt: Attempt) -> None:
    base = torch.zeros(6)
    assert attempt.same_storage(base[:3], base[3:])
    assert not attempt.same_storage(base, torch.zeros(6))


def test_changed_arguments_are_told(attempt: Attempt) -> None:
    x = torch.zeros(3)
    attempt.change(x)
    assert attempt.changed == []
    attempt.change(x, keep=False)
    assert attempt.changed == ["0"]
    assert x.tolist() == [0, 0, 0]
    attempt.change(x=[1, 2], keep=False)
    assert attempt.changed == ["x"]
    items: list[int] = []
    attempt.append(items=items, settings={})
    assert sorted(attempt.changed) == ["items", "settings"]
    assert items == []


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([float("nan"), -0.0]),
        float("nan"),
        [float("nan"), {"a": torch.ones(2)}],
        np.array([1.0, np.nan]),
        np.zeros((0, 2)),
        np.float32("nan"),
        torch.ones(2, dtype=torch.complex64).conj(),
        torch.ones(3).expand(2, 3),
        torch.zeros(0),
        (1, {2, 3}),
        Record("Step", {"thought": "a", "scores": [float("nan")], "weight": None}),
        lambda x: x,
        torch.float16,
        bytearray(b"abc"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_was_not_changed_is_not_called_changed(attempt: Attempt, value: Any) -> None:
    attempt.echo(None, value, named=value)
    assert attempt.changed == []


@pytest.mark.parametrize(
    "value",
    [torch.ones(2), [1, 2], np.ones(2), {0: 1}, bytearray(b"ab"), torch.ones(2, dtype=torch.int64), np.ones((1, 2))],
    ids=lambda value: type(value).__name__,
)
def test_a_changed_value_of_any_kind_is_told(attempt: Attempt, value: Any) -> None:
    attempt.change(value, keep=False)
    assert attempt.changed == ["0"]


def test_generators_are_drawn_from(attempt: Attempt) -> None:
    ours, theirs = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    for n in (3, 5):
        assert torch.equal(attempt.draw(n, generator=theirs), torch.rand(n, generator=ours))
        assert torch.equal(theirs.get_state(), ours.get_state())
        assert attempt.changed == []
    assert torch.equal(attempt.draw(2, theirs), torch.rand(2, generator=ours))


def test_dataclasses_are_returned_and_passed_back(attempt: Attempt) -> None:
    step = attempt.make_step("so")
    assert isinstance(step, Record)
    assert (step.thought, step.scores[0], step.scores[1].high) == ("so", 1.5, 2)
    assert attempt.read_step(step) == (True, "so", ["float", "Pair"])
    assert attempt.changed == []
    assert attempt.echo([step])[0].thought == "so"


def test_a_record_that_the_attempt_cannot_build_is_an_error_of_the_attempt(attempt: Attempt) -> None:
    with pytest.raises(AttemptRaised, match="Missing"):
        attempt.echo(Record("Missing", {"a": 1}))
    with pytest.raises(AttemptRaised, match=r"TypeError.*surprise"):
        attempt.echo(Record("Step", {"surprise": 1}))
    assert attempt.echo(1) == 1


def test_what_cannot_be_sent_stays_there_as_an_object(attempt: Attempt) -> None:
    assert repr(attempt.colour()) == "<Colour>"
    assert attempt.colour().name == "RED"
    assert attempt.top(torch.tensor([1.0, 3.0, 2.0]))[1].tolist() == [1, 2]
    assert str(attempt.error()) == "returned, not raised"


def test_many_tensors_at_once(attempt: Attempt) -> None:
    got = attempt.many(500)
    assert len(got) == 500
    assert got["499"].tolist() == [499.0] * (499 % 7)


def test_a_large_tensor_both_ways(attempt: Attempt) -> None:
    x = torch.arange(3_000_000.0)
    assert torch.equal(attempt.echo(x), x)


def test_names_that_are_missing(attempt: Attempt) -> None:
    with pytest.raises(ContractBroken, match="does not define softmax"):
        _ = attempt.softmax
    with pytest.raises(AttributeError):
        _ = attempt.__wrapped__
    assert {"echo", "Layer", "LIMIT"} <= set(attempt.load())


def test_description_of_names(attempt: Attempt) -> None:
    found = attempt.describe(["defaults", "Layer", "Step", "LIMIT", "nothing"])
    assert found["nothing"] is None
    assert found["LIMIT"] == {"kind": "value", "type": "int"}
    assert found["defaults"]["kind"] == "function"
    assert [(p["name"], p["kind"], p["default"]) for p in found["defaults"]["parameters"]] == [
        ("x", "POSITIONAL_OR_KEYWORD", None),
        ("scale", "KEYWORD_ONLY", "2.0"),
        ("others", "VAR_KEYWORD", None),
    ]
    layer = found["Layer"]
    assert layer["kind"] == "class"
    assert set(layer["methods"]) == {"__init__", "forward", "helper"}
    assert [p["name"] for p in layer["methods"]["__init__"]] == ["width", "bias"]
    assert [p["name"] for p in found["Step"]["methods"]["__init__"]] == ["thought", "scores", "weight"]


def test_an_exception_comes_with_the_learners_lines_and_shapes(attempt: Attempt) -> None:
    with pytest.raises(AttemptRaised) as raised:
        attempt.defaults("x", scale=torch.ones(2))
    assert raised.value.type_name == "TypeError"
    assert "Exception" in raised.value.bases
    frame = raised.value.cause.frames[-1]
    assert (frame.function, frame.code) == ("defaults", "return x * scale")
    assert SOURCE.split("\n")[frame.line - 1].strip() == frame.code
    assert raised.value.shapes == {"scale": "(2,)"}
