"""Bytes that are no message are a WireError, whatever they are, and nothing in them is ever executed."""

from __future__ import annotations

import base64
import contextlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkllm_drill.judge import wire
from thinkllm_drill.judge.wire import Decoder, Encoder, Record, WireError

TENSOR = {
    "$": "tensor",
    "s": 0,
    "dtype": "float32",
    "shape": [2],
    "stride": [1],
    "offset": 0,
    "grad": False,
    "parameter": False,
    "device": "cpu",
}
BLOB = safetensors.torch.save({"s0": torch.zeros(8, dtype=torch.uint8)})
VALUES = [
    None,
    12345678901234567890,
    float("nan"),
    b"bytes",
    (1, {2, "x"}, frozenset([3])),
    {1: [True, "中文"], (1, 2): None},
    np.arange(3),
    np.float32(1),
    torch.float16,
    torch.device("cpu"),
    ValueError("no"),
    Record("Step", {"a": torch.ones(2, 2).T}),
    torch.nn.Parameter(torch.ones(3)),
]
VALID = Encoder().encode(VALUES)


def decode(tree: Any, blob: bytes = b"") -> Any:
    return Decoder().decode(tree if isinstance(tree, bytes) else json.dumps(tree).encode(), blob)


def test_the_message_to_mutate_is_valid() -> None:
    assert len(decode(*VALID)) == len(VALUES)
    assert decode(TENSOR, BLOB).tolist() == [0, 0]


@pytest.mark.parametrize(
    "tree",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[1,",
        b"[" * 100_000,
        b'{"$":' * 50_000,
        b"1" * 5000,
        {},
        {"v": 1},
        {"$": None},
        {"$": []},
        {"$": {"$": "int"}},
        {"$": "pickle", "v": ""},
        {"$": "special"},
        {"$": "decode"},
        {"$": "_blocks"},
        {"$": "int", "v": "zz"},
        {"$": "int", "v": 3},
        {"$": "float", "v": "one"},
        {"$": "float", "v": None},
        {"$": "bytes", "v": "!"},
        {"$": "bytes", "v": "中文"},
        {"$": "tuple"},
        {"$": "tuple", "v": 3},
        {"$": "set", "v": [[1]]},
        {"$": "frozenset", "v": [{"$": "dict", "v": []}]},
        {"$": "dict", "v": [[1]]},
        {"$": "dict", "v": [[[], 1]]},
        {"$": "dtype", "v": "float33"},
        {"$": "dtype", "v": []},
        {"$": "device", "v": "quantum"},
        {"$": "device", "v": None},
        {"$": "generator", "v": 1},
        {"$": "exception", "type": [], "message": {}},
        {"$": "record", "type": "T", "fields": [], "is_tuple": False},
        {"$": "record", "fields": {}},
        {"$": "ndarray", "v": 3, "scalar": True},
        {"$": "ref", "id": 1},
        {"$": "callback", "id": 1},
    ],
    ids=lambda tree: (tree if isinstance(tree, bytes) else json.dumps(tree).encode())[:24].decode("latin-1"),
)
def test_malformed_trees(tree: Any) -> None:
    with pytest.raises(WireError):
        decode(tree)


@pytest.mark.parametrize(
    "change",
    [
        {"s": 1},
        {"s": None},
        {"s": "0; import os"},
        {"dtype": "float128"},
        {"shape": [3]},
        {"shape": [-1]},
        {"shape": [2.0]},
        {"shape": [True]},
        {"shape": "2"},
        {"shape": None},
        {"shape": [2, 2]},
        {"stride": [2]},
        {"stride": [-1]},
        {"stride": [1, 1]},
        {"offset": 1},
        {"offset": -1},
        {"offset": 2**80},
        {"shape": [2**80]},
        {"shape": [2**40], "stride": [0]},
        {"shape": [2**20, 2**20], "stride": [0, 0]},
        {"shape": [0, 2**80], "stride": [1, 1]},
        {"dtype": "int64", "parameter": True, "grad": True},
        {"dtype": "complex128"},
    ],
    ids=str,
)
def test_malformed_tensors(change: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        decode(TENSOR | change, BLOB)


def test_overlapping_strides_cannot_make_a_huge_tensor_of_a_small_storage() -> None:
    blob = safetensors.torch.save({"s0": torch.zeros(1 << 18, dtype=torch.uint8)})
    with pytest.raises(WireError, match="over the limit"):
        decode(TENSOR | {"shape": [30_000, 30_000], "stride": [1, 1]}, blob)


@pytest.mark.parametrize(
    "blob", [b"", b"x", BLOB[:-1], BLOB + b"x", b"\xff" * 8 + b"{}", b"\x02" + bytes(7) + b"[]", BLOB[:8] + b"\0" * 80]
)
def test_malformed_blobs(blob: bytes) -> None:
    with pytest.raises(WireError):
        decode(TENSOR, blob)


@settings(max_examples=150)
@given(data=st.data())
def test_any_change_of_a_valid_message_is_a_value_or_a_wire_error(data: st.DataObject) -> None:
    tree, blob = (bytearray(part) for part in VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        part = tree if data.draw(st.booleans()) else blob
        at = data.draw(st.integers(0, max(0, len(part) - 1)))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "delete"])):
            case "flip" if part:
                part[at] = data.draw(st.integers(0, 255))
            case "cut":
                del part[at:]
            case "insert":
                part[at:at] = data.draw(st.binary(max_size=5) | st.sampled_from([b"[", b'"', b"{", b"0", b"9999"]))
            case "delete":
                del part[at : at + 3]
    with contextlib.suppress(WireError):
        decode(bytes(tree), bytes(blob))


json_trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(sorted(wire.DTYPES)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$", "v", *TENSOR, "fields", "type", "message", "is_tuple", "scalar"]), inner
        )
        | st.builds(
            lambda kind, node: {**node, "$": kind},
            st.sampled_from(
                [
                    "int",
                    "float",
                    "bytes",
                    "tuple",
                    "set",
                    "dict",
                    "dtype",
                    "device",
                    "generator",
                    "exception",
                    "record",
                    "ndarray",
                    "tensor",
                ]
            ),
            st.dictionaries(st.sampled_from(["v", "type", "message", "fields", "is_tuple", "scalar", *TENSOR]), inner),
        )
    ),
    max_leaves=10,
)


@settings(max_examples=150)
@given(json_trees)
def test_any_tree_is_a_value_or_a_wire_error(tree: Any) -> None:
    with contextlib.suppress(WireError):
        decode(tree, BLOB)


class Bomb:
    """What would leave a mark if it were unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    payload = pickle.dumps(Bomb(tmp_path / "mark"))
    with pytest.raises(WireError):
        decode(payload, payload)
    with pytest.raises(WireError):
        decode(TENSOR, payload)
    sent = decode({"$": "bytes", "v": base64.b64encode(payload).decode()})
    assert sent == payload
    assert not (tmp_path / "mark").exists()
    source = Path(wire.__file__).read_text(encoding="utf-8")
    assert "import pickle" not in source
    assert "torch.load" not in source.replace("safetensors.torch.load", "")
