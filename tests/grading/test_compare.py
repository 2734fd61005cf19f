from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from thinkllm_drill.grading.compare import Mismatch, Tolerance, Truth, compare
from thinkllm_drill.grading.observe import Outcome, freeze
from thinkllm_drill.judge.remote import Raised
from thinkllm_drill.judge.wire import Record

U32 = 2.0**-24
ROW = Tolerance()


def mismatch(exact, actual, *, same=None, jittered=(), tolerance=ROW) -> Mismatch | None:
    """What is wrong with one observation; the reference's own is the exact one rounded to the dtype of the answer."""
    if same is None:
        same = exact
        if isinstance(exact, torch.Tensor) and isinstance(actual, torch.Tensor) and exact.is_floating_point():
            same = exact.to(actual.dtype)
    truth = Truth(shown(exact), shown(same), tuple(shown(value) for value in jittered))
    return compare(truth, shown(actual), tolerance)


def shown(value) -> Outcome:
    return Outcome((("", freeze(value)),))


def kind(found: Mismatch | None) -> str | None:
    return found and found.kind


def f32(*values):
    return torch.tensor(values, dtype=torch.float32)


def f64(*values):
    return torch.tensor(values, dtype=torch.float64)


# numbers


@pytest.mark.parametrize(("units", "right"), [(14, True), (20, False)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_threshold_is_in_roundoffs_of_the_answers_dtype(dtype, units, right):
    unit = torch.finfo(dtype).eps / 2
    exact = f64(1.0, -0.5)
    actual = (exact + f64(units * unit, 0.0)).to(dtype)
    same = exact.to(dtype)
    assert (mismatch(exact, actual, same=same) is None) is right


def test_a_long_reduction_may_be_off_by_more():
    exact, actual = f64(1.0), f32(1.0 + 40 * U32)
    assert kind(mismatch(exact, actual)) == "wrong"
    assert mismatch(exact, actual, tolerance=Tolerance.of(1024)) is None


def test_elementwise_answers_must_be_closer():
    exact, actual = f64(1.0), f32(1.0 + 8 * U32)
    assert mismatch(exact, actual) is None
    assert kind(mismatch(exact, actual, tolerance=Tolerance.of(None, elementwise=True))) == "wrong"


def test_each_row_has_a_scale_of_its_own():
    exact = f64([1000.0, 1.0], [1.0, 1.0])
    near_a_large_one, alone = exact.clone(), exact.clone()
    near_a_large_one[0, 1] += 1e-4
    alone[1, 1] += 1e-4
    assert mismatch(exact, near_a_large_one.float()) is None
    assert kind(mismatch(exact, alone.float())) == "wrong"
    assert mismatch(exact, alone.float(), tolerance=Tolerance(per="tensor")) is None


def test_zeros_are_not_a_softmax_over_a_large_vocabulary():
    exact = torch.randn(2, 60_000, dtype=torch.float64).softmax(-1)
    assert kind(mismatch(exact, torch.zeros(2, 60_000))) == "wrong"
    assert kind(mismatch(exact, torch.full((2, 60_000), 1 / 60_000))) == "wrong"
    assert mismatch(exact, exact.float()) is None


def test_nan_never_passes_however_wide_the_tolerance():
    exact = f64(1.0, 2.0)
    found = mismatch(exact, f32(1.0, math.nan), jittered=[f64(1e9, 1e9)])
    assert kind(found) == "wrong"
    assert found.bad.tolist() == [False, True]
    assert "NaN" in found.message
    assert kind(mismatch(1.0, math.nan)) == "wrong"
    assert kind(mismatch(f64(0.0), f32(math.nan))) == "wrong"


def test_nan_and_infinities_are_right_only_where_they_belong():
    exact = f64(math.nan, math.inf, -math.inf, 1.0)
    assert mismatch(exact, exact.float()) is None
    for wrong in (
        [1.0, math.inf, -math.inf, 1.0],
        [math.nan, -math.inf, -math.inf, 1.0],
        [math.nan, 3e38, -math.inf, 1.0],
    ):
        assert kind(mismatch(exact, f32(*wrong))) == "wrong"
    assert kind(mismatch(f64(1.0, 2.0), f32(1.0, math.inf))) == "wrong"


def test_an_overflow_that_the_dtype_forces_is_right():
    exact = f64(1e5, 1.0)
    forced = exact.half()
    assert forced.isinf().tolist() == [True, False]
    assert mismatch(exact, forced) is None
    assert kind(mismatch(exact, -forced)) == "wrong"
    assert kind(mismatch(exact, forced.nan_to_num(posinf=0.0))) == "wrong"
    assert kind(mismatch(f64(1e3, 1.0), forced, same=forced)) == "wrong"


def test_the_references_own_error_and_the_conditioning_widen_the_threshold():
    exact, actual = f64(1.0), f32(1.0 + 100 * U32)
    assert kind(mismatch(exact, actual)) == "wrong"
    assert mismatch(exact, actual, same=f32(1.0 + 30 * U32)) is None
    assert mismatch(exact, actual, jittered=[f64(1.0), f64(1.0 - 10 * U32)]) is None


def test_numbers_that_should_be_zero_must_be_zero():
    assert mismatch(f64(0.0, 0.0), f32(0.0, -0.0)) is None
    assert kind(mismatch(f64(0.0, 0.0), f32(0.0, 1e-30))) == "wrong"


def test_whole_numbers_and_flags_are_exact():
    assert mismatch(torch.tensor([1, 2]), torch.tensor([1, 2])) is None
    found = mismatch(torch.tensor([1, 2]), torch.tensor([1, 3]))
    assert (kind(found), found.message) == ("wrong", "1 of 2 elements are wrong")
    assert kind(mismatch(torch.tensor([True]), torch.tensor([False]))) == "wrong"
    assert kind(mismatch(2**60, 2**60 + 1)) == "wrong"


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_numbers_are_compared_by_rounding(dtype):
    exact = torch.polar(torch.ones(5, dtype=torch.float64), torch.arange(5, dtype=torch.float64))
    actual = exact.to(dtype)
    assert mismatch(exact, actual, same=exact.to(dtype)) is None
    assert kind(mismatch(exact, actual.conj().resolve_conj(), same=exact.to(dtype))) == "wrong"
    spoilt = actual.clone()
    spoilt[3] = complex(math.nan, 0.0)
    assert mismatch(exact, spoilt, same=exact.to(dtype)).bad.tolist() == [False, False, False, True, False]
    assert kind(mismatch(exact[1], actual[2], same=exact[1].to(dtype))) == "wrong"
    assert kind(mismatch(exact, spoilt, same=exact.to(dtype))) == "wrong"


def test_eight_bit_floats_are_compared_by_rounding():
    exact = f64(1.0, 2.0, 3.0)
    small = exact.to(torch.float8_e4m3fn)
    assert mismatch(exact, small, same=small) is None
    assert kind(mismatch(exact, (exact * 8).to(torch.float8_e4m3fn), same=small)) == "wrong"


def test_python_floats():
    assert mismatch(1.0, 1.0 + 1e-7) is None
    found = mismatch(1.0, 1.001)
    assert kind(found) == "wrong"
    assert "0.001" in found.message
    assert mismatch(math.inf, math.inf) is None
    assert mismatch(math.nan, math.nan) is None
    assert kind(mismatch(math.inf, 1.0)) == "wrong"


# structure


@pytest.mark.parametrize(
    "answer",
    [
        f64(1.0, 2.0),
        f32(1.0, 2.0).bfloat16(),
        [1.0, 2.0],
        (1.0, 2.0),
        np.array([1.0, 2.0], dtype=np.float32),
        f32([1.0, 2.0]),
        f32(1.0),
        torch.tensor([1, 2]),
        1,
        1.0,
        None,
        "tensor([1., 2.])",
    ],
    ids=lambda answer: f"{type(answer).__name__} {getattr(answer, 'dtype', '')}",
)
def test_what_is_no_tensor_of_that_shape_and_dtype_breaks_the_contract(answer):
    exact = f64(1.0, 2.0)
    assert kind(mismatch(exact, answer, same=exact.float())) == "contract"


def test_a_shape_that_would_broadcast_breaks_the_contract():
    assert kind(mismatch(torch.tensor(1.0, dtype=torch.float64), f32(1.0), same=torch.tensor(1.0))) == "contract"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (1, 1.0),
        (1.0, 1),
        (True, 1),
        (1, True),
        ((1, 2), [1, 2]),
        ((1, 2), (1, 2, 3)),
        ({"a": 1}, {"b": 1}),
        (None, 0),
        ("1", 1),
        (1.0, np.float64(1.0)),
        (Record("Step", {"a": 1}), Record("Move", {"a": 1})),
        (Record("Step", {"a": 1}), Record("Step", {"b": 1})),
        (Record("Step", {"a": 1}), {"a": 1}),
    ],
    ids=str,
)
def test_types_are_told_apart(right, wrong):
    assert mismatch(right, right) is None
    assert kind(mismatch(right, wrong)) == "contract"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [([1, 2], [1]), ([1, 2], [2, 1]), ({1: 2}, {1: 3}), ({1: 2}, {2: 2}), ({1, 2}, {1, 3}), ("ab", "ba"), (b"a", b"b")],
    ids=str,
)
def test_contents_are_told_apart(right, wrong):
    assert mismatch(right, right) is None
    assert kind(mismatch(right, wrong)) == "wrong"


def test_the_place_of_a_wrong_leaf_is_named():
    @dataclass
    class Step:
        loss: torch.Tensor
        notes: dict

    right = (1, Step(f32(1.0), {"a": [1, 2]}))
    assert mismatch(right, (1, Step(f32(1.0), {"a": [1, 2]}))) is None
    assert mismatch(right, (1, Step(f32(1.0), {"a": [1, 3]}))).path == "[1].notes['a'][1]"
    assert mismatch(right, (1, Step(f32(1.5), {"a": [1, 2]}))).path == "[1].loss"


def test_arrays_and_numpy_scalars_are_compared_like_tensors():
    exact = np.array([1.0, 2.0])
    same = exact.astype(np.float32)
    assert mismatch(exact, same.copy(), same=same) is None
    assert kind(mismatch(exact, exact, same=same)) == "contract"
    assert kind(mismatch(exact, same * 2, same=same)) == "wrong"
    assert mismatch(np.float64(0.5), np.float32(0.5), same=np.float32(0.5)) is None
    assert kind(mismatch(np.float64(0.5), 0.5, same=np.float32(0.5))) == "contract"


def test_a_dtype_as_an_answer_is_that_of_the_case_not_of_the_fp64_run():
    assert mismatch(torch.float64, torch.float32, same=torch.float32) is None
    assert kind(mismatch(torch.float64, torch.float64, same=torch.float32)) == "wrong"


# exceptions and the length of a scenario


def test_exceptions_are_compared_by_type_and_base():
    error = Raised("ValueError", ["ValueError", "Exception"])
    derived = Raised("EmptyCache", ["EmptyCache", "ValueError", "Exception"])
    assert mismatch(error, derived) is None
    assert kind(mismatch(error, Raised("TypeError", ["TypeError", "Exception"]))) == "wrong"
    assert kind(mismatch(derived, error)) == "wrong"
    assert kind(mismatch(error, 1)) == "wrong"
    assert kind(mismatch(1, error)) == "wrong"
    assert kind(mismatch([1, error], [1, 2])) == "wrong"


def test_scenarios_that_end_early_or_go_on_are_wrong():
    two = Outcome((("first", 1), ("second", 2)))
    one = Outcome((("first", 1),))
    truth = Truth(two, two)
    assert compare(truth, two, ROW) is None
    early = compare(truth, one, ROW)
    assert (early.kind, early.label) == ("wrong", "second")
    assert compare(Truth(one, one), two, ROW).kind == "wrong"


def test_a_label_that_the_attempt_decides_is_compared_too():
    right, wrong = Outcome((("stopped after 3", 1),)), Outcome((("stopped after 4", 1),))
    assert compare(Truth(right, right), wrong, ROW).kind == "wrong"
