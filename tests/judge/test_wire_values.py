"""Every value on the closed list arrives as it was sent; nothing else is sent."""

from __future__ import annotations

import collections
import dataclasses
import enum
import math
import typing
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkllm_drill.judge.wire import DTYPES, Decoder, Encoder, Record, WireError

NP_DTYPES = [
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


def through(value: Any) -> Any:
    """The value as the other side gets it."""
    return Decoder().decode(*Encoder().encode(value))


def same(a: Any, b: Any) -> bool:
    """Equality that knows types, NaN and the sign of zero."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(list(x), list(y)) for x, y in zip(a.items(), b.items(), strict=True))
    return bool(a == b)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())  # surrogates among them
    | st.binary(max_size=30)
)
keys = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.tuples(st.integers(), st.text(max_size=3))
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | st.frozensets(keys, max_size=4)
        | st.sets(keys, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
@settings(max_examples=150, deadline=None)
def test_plain_values(value: Any) -> None:
    assert same(through(value), value)


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53) + 1,
        10**5000,
        -(7**4000),
        math.nan,
        -math.inf,
        -0.0,
        5e-324,
        "中文 \ud800 \udfff \0 \u2028",
        bytearray(b"\xff\x00"),
        {float("inf"): 1, (1, ("a", None)): {"$": "tensor"}},
        [[], (), {}, set(), frozenset()],
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) else "int",
)
def test_unusual_plain_values(value: Any) -> None:
    assert same(through(value), value)


class Count(enum.IntEnum):
    ONE = 1


class Colour(str, enum.Enum):  # noqa: UP042  (as learners write it)
    RED = "red"


class Shouting(str):
    def __str__(self) -> str:
        return "SHOUT"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Count.ONE, 1),
        (Colour.RED, "red"),
        (Shouting("quiet"), "quiet"),
        (torch.Size([2, 3]), (2, 3)),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (collections.defaultdict(list, x=[1]), {"x": [1]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_subclasses_travel_as_their_base(value: Any, plain: Any) -> None:
    assert same(through(value), plain)


@pytest.mark.parametrize("name", sorted(DTYPES))
def test_dtypes_as_values(name: str) -> None:
    assert through(DTYPES[name]) is DTYPES[name]


def test_devices() -> None:
    assert through(torch.device("cuda", 1)) == torch.device("cuda", 1)


def test_a_generator_goes_on_where_it_was() -> None:
    generator = torch.Generator().manual_seed(5)
    torch.rand(3, generator=generator)
    copy = through(generator)
    assert torch.equal(torch.rand(4, generator=copy), torch.rand(4, generator=generator))


@pytest.mark.parametrize("dtype", NP_DTYPES)
def test_arrays_and_numpy_scalars(dtype: str) -> None:
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    for value in (array, array.T, array[:, ::2], array[::-1], np.zeros((0, 3), dtype), np.array(1, dtype)):
        got = through(value)
        assert type(got) is np.ndarray
        assert got.dtype == value.dtype
        assert np.array_equal(got, value)
        assert got.shape == value.shape
    scalar = through(array[1, 1])
    assert type(scalar) is type(array[1, 1])
    assert scalar == array[1, 1]


def test_arrays_in_the_other_byte_order_keep_their_numbers() -> None:
    assert np.array_equal(through(np.arange(3, dtype=">i4")), [0, 1, 2])


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([None]), np.array(["2020-01-01"], dtype="M8[D]")])
def test_arrays_of_other_things_cannot_be_sent(array: Any) -> None:
    with pytest.raises(WireError, match="dtype"):
        through(array)


def test_exceptions() -> None:
    error = through(ValueError("no 中文"))
    assert type(error) is ValueError
    assert str(error) == "no 中文"
    assert type(through(UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"))) is RuntimeError

    class Own(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "Own" in str(through(Own()))


@dataclasses.dataclass
class Step:
    thought: str
    scores: Any = None


class Pair(typing.NamedTuple):
    first: int
    second: Any


def test_dataclasses_and_namedtuples_are_records() -> None:
    step = through(Step("so", [1, Pair(1, torch.ones(2))]))
    assert isinstance(step, Record)
    assert step.thought == "so"
    assert step.scores[1].first == 1
    assert torch.equal(step.scores[1].second, torch.ones(2))
    assert [*step.scores[1]][:1] == [1]
    assert repr(through(Pair(1, 2))) == "Pair(first=1, second=2)"
    assert through(Step("so")) == through(Step("so"))
    assert through(Step("so")) != through(Step("no"))
    assert through(Pair(1, 2)) != (1, 2)
    with pytest.raises(TypeError, match="not iterable"):
        iter(step)
    assert through(step).thought == "so"


def test_torch_return_types_are_tuples() -> None:
    found = through(torch.tensor([[1.0, 3.0, 2.0]]).max(dim=1))
    assert type(found) is tuple
    assert [t.tolist() for t in found] == [[3.0], [1]]


class Strange:
    pass


@pytest.mark.parametrize(
    "value",
    [Strange(), object(), int, len, iter([]), range(3), 1j, torch.ones(2).to_sparse(), torch.ones(2, device="meta")],
)
def test_nothing_else_can_be_sent(value: Any) -> None:
    with pytest.raises(WireError):
        Encoder().encode([value])


def test_a_dataclass_whose_field_was_never_set_cannot_be_sent() -> None:
    @dataclasses.dataclass
    class Unset:
        value: int = dataclasses.field(init=False)

    with pytest.raises(WireError, match="Unset"):
        Encoder().encode(Unset())


def test_depth_and_size_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(WireError, match="nested"):
        Encoder().encode(deep)
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(WireError, match="nested"):
        Encoder().encode(loop)
    monkeypatch.setattr("thinkllm_drill.judge.wire.MAX_NODES", 10)
    with pytest.raises(WireError, match="parts"):
        Encoder().encode(list(range(20)))


def test_values_of_our_own_are_asked_first() -> None:
    encoder = Encoder(lambda value: {"$": "mine", "n": value.n} if isinstance(value, Numbered) else None)
    decoder = Decoder(lambda kind, node, decode: f"number {node['n']}" if kind == "mine" else NotImplemented)
    assert decoder.decode(*encoder.encode([Numbered(3), {"x": 1}])) == ["number 3", {"x": 1}]


@dataclasses.dataclass
class Numbered:
    n: int
