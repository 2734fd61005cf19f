"""Tensors arrive with their numbers, dtype, layout and the storages that they share."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from thinkllm_drill.judge.wire import DTYPE_NAMES, DTYPES, Decoder, Encoder


def through(value: Any) -> Any:
    """The value as the other side gets it."""
    return Decoder().decode(*Encoder().encode(value))


def filled(dtype: torch.dtype) -> Tensor | None:
    """A few numbers of that dtype; None where torch cannot make them."""
    if dtype.is_complex or dtype.is_floating_point:
        try:
            return torch.tensor([[0.0, 1.0, -2.0], [0.5, float("inf"), float("nan")]]).to(dtype)
        except (RuntimeError, NotImplementedError):
            return None
    try:
        return torch.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype)
    except (RuntimeError, NotImplementedError, TypeError):
        return None


def bits(tensor: Tensor) -> bytes:
    return bytes(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch calls some dtypes experimental
    SENDABLE = [name for name in sorted(DTYPES) if filled(DTYPES[name]) is not None]


def test_the_usual_dtypes_are_among_those_tried() -> None:
    assert {"float32", "float64", "float16", "bfloat16", "int64", "uint8", "bool", "complex64"} <= set(SENDABLE)
    assert len(SENDABLE) >= 18


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("name", SENDABLE)
def test_every_dtype(name: str) -> None:
    tensor = filled(DTYPES[name])
    assert tensor is not None
    got = through(tensor)
    assert type(got) is Tensor
    assert got.dtype == tensor.dtype
    assert got.shape == tensor.shape
    assert bits(got) == bits(tensor)


LAYOUTS = {
    "contiguous": lambda base: base,
    "transposed": lambda base: base.T,
    "strided": lambda base: base[::2, 1::3],
    "offset": lambda base: base[3:, 2:],
    "expanded": lambda base: base[:, :1].expand(6, 50),
    "expanded-0-dim": lambda base: base[0, 0].expand(4, 4),
    "0-dim": lambda base: base[2, 2],
    "empty": lambda base: base[:0],
    "empty-middle": lambda base: base[:, 3:3],
    "unfolded": lambda base: base.reshape(-1).unfold(0, 4, 1),
    "diagonal": lambda base: base.diagonal(),
    "channels-last": lambda base: base.reshape(1, 2, 3, 8).contiguous(memory_format=torch.channels_last),
    "one-row": lambda base: base[1:2],
    "small-part": lambda base: base[0, :1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(layout: str) -> None:
    tensor = LAYOUTS[layout](torch.arange(48.0).reshape(6, 8))
    got = through({"x": [tensor]})["x"][0]
    assert torch.equal(got, tensor)
    assert got.stride() == tensor.stride()
    assert got.is_contiguous() == tensor.is_contiguous()
    if tensor.numel():
        assert got.storage_offset() == tensor.storage_offset()


def test_views_of_one_storage_still_share_it() -> None:
    base = torch.zeros(4, 4)
    whole, row, column = through([base, base[1], base.T[2]])
    row.fill_(1)
    column.fill_(2)
    assert whole[1, 0] == 1
    assert whole[0, 2] == 2
    assert row[2] == 2
    apart = through([torch.zeros(2), torch.zeros(2)])
    apart[0].fill_(1)
    assert apart[1].tolist() == [0, 0]


def test_views_of_one_storage_in_other_dtypes() -> None:
    base = torch.tensor([1.0, -1.0])
    numbers, ints = through([base, base.view(torch.int32)])
    ints[0] = 0
    assert numbers.tolist() == [0.0, -1.0]


def test_arrays_of_numpy_that_begin_at_one_address_do_not_disturb_each_other() -> None:
    array = np.arange(6.0)
    part, whole = through((torch.from_numpy(array[:2]), torch.from_numpy(array)))
    assert part.tolist() == [0, 1]
    assert whole.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_sliver_of_a_large_storage_does_not_carry_it() -> None:
    large = torch.zeros(4 << 20)
    _, blob = Encoder().encode(large[5:8])
    assert len(blob) < 10_000
    assert through(large[5:8]).tolist() == [0, 0, 0]


def test_an_expanded_tensor_is_sent_small() -> None:
    tensor = torch.ones(1).expand(1 << 20)
    _, blob = Encoder().encode(tensor)
    assert len(blob) < 10_000
    assert through(tensor).stride() == (0,)


def test_parameters_and_requires_grad() -> None:
    weight = torch.nn.Parameter(torch.randn(3, 4))
    frozen = torch.nn.Parameter(torch.randn(2), requires_grad=False)
    got = through([weight, frozen, torch.ones(2, requires_grad=True), weight.T, (weight * 2).sum()])
    assert [type(t) for t in got] == [torch.nn.Parameter] * 2 + [Tensor] * 3
    assert [t.requires_grad for t in got] == [True, False, True, True, True]
    assert all(t.is_leaf for t in got)
    assert torch.equal(got[0], weight)
    waves = torch.ones(2, dtype=torch.complex64, requires_grad=True)
    assert through(waves).requires_grad


def test_lazy_conjugates_and_negatives_are_resolved() -> None:
    waves = torch.tensor([1 + 2j, 3 - 1j])
    assert through(waves.conj()).tolist() == [1 - 2j, 3 + 1j]
    assert through(waves.conj().imag).tolist() == [-2.0, 1.0]


def test_a_tensor_made_without_gradients_or_in_inference_mode() -> None:
    with torch.inference_mode():
        tensor = torch.ones(2) * 3
    assert through(tensor).tolist() == [3, 3]
    with torch.inference_mode():
        assert through(torch.ones(2)).tolist() == [1, 1]


def test_many_tensors() -> None:
    tensors = {str(k): torch.full((k % 5,), k) for k in range(300)}
    got = through(tensors)
    assert all(torch.equal(got[key], tensor) for key, tensor in tensors.items())


def test_names_of_dtypes_are_unique() -> None:
    assert DTYPES[DTYPE_NAMES[torch.half]] is torch.float16
    assert DTYPES[DTYPE_NAMES[torch.long]] is torch.int64
