"""Properties of the comparator: random shapes, scales, dtypes, layouts and reductions against the rule written plainly.

`allowed` is the rule of the module's docstring in Python floats, row by row; what the comparator says must follow from
it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from thinkllm_drill.grading.compare import Tolerance, Truth, compare
from thinkllm_drill.grading.observe import Outcome, freeze
from thinkllm_drill.judge.remote import Raised
from thinkllm_drill.judge.wire import Record

FILTERED = [HealthCheck.too_slow, HealthCheck.filter_too_much]
few = settings(max_examples=60, suppress_health_check=FILTERED)
many = settings(max_examples=250, suppress_health_check=FILTERED)

ROUNDOFF = {torch.float64: 2.0**-53, torch.float32: 2.0**-24, torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}
WHOLE = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool)

dtypes = st.sampled_from(list(ROUNDOFF))
shapes = st.lists(st.integers(0, 5), max_size=4).map(tuple)
filled = st.lists(st.integers(1, 5), max_size=4).map(tuple)
seeds = st.integers(0, 2**32)
tolerances = st.builds(
    lambda reduction, elementwise, per: Tolerance.of(reduction, elementwise=elementwise, per=per),
    st.none() | st.integers(1, 4096),
    st.booleans(),
    st.sampled_from(["row", "tensor"]),
)


def shown(value: Any) -> Outcome:
    return Outcome((("", freeze(value)),))


def found(exact, same, actual, tolerance=Tolerance(), jittered=(), **options):  # noqa: B008
    truth = Truth(shown(exact), shown(same), tuple(map(shown, jittered)))
    return compare(truth, shown(actual), tolerance, **options)


def kind(mismatch) -> str | None:
    return mismatch and mismatch.kind


def draw(seed, shape, exponent=0.0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 10.0**exponent


def laid_out(tensor, layout):
    """The same numbers in another memory layout."""
    if layout == "transposed" and tensor.dim() > 1:
        return tensor.mT.contiguous().mT
    if layout == "strided" and tensor.dim():
        wide = torch.full((*tensor.shape[:-1], 2 * tensor.shape[-1]), math.nan, dtype=tensor.dtype)
        wide[..., ::2] = tensor
        return wide[..., ::2]
    if layout == "offset":
        held = torch.full((tensor.numel() + 3,), math.nan, dtype=tensor.dtype)
        held[3:] = tensor.flatten()
        return held[3:].view(tensor.shape)
    return tensor


BIG = draw(0, (3, 10_000))  # no larger: torch would start threads
BIG_TRUTH = Truth(shown(BIG), shown(BIG.float()))


def rows_of(tensor, per):
    """Lists of Python floats that share a scale."""
    if per == "tensor" or tensor.dim() < 2:
        return [tensor.flatten().double().tolist()]
    return tensor.reshape(-1, tensor.shape[-1]).double().tolist()


def allowed(exact, same, jittered, tolerance):
    """For every entry the largest error that is right, by the rule as it is stated."""
    unit, most = ROUNDOFF[same.dtype], torch.finfo(same.dtype).max
    moved = [rows_of(value, tolerance.per) for value in jittered]
    result = []
    for n, (row, own) in enumerate(zip(rows_of(exact, tolerance.per), rows_of(same, tolerance.per), strict=True)):
        scale = max((abs(x) for x in row if math.isfinite(x) and abs(x) <= most), default=0.0)
        off = max((abs(a - b) for a, b in zip(own, row, strict=True) if math.isfinite(a - b)), default=0.0)
        jitter = max(
            (abs(a - b) for m in moved for a, b in zip(m[n], row, strict=True) if math.isfinite(a - b)), default=0
        )
        result += [max(min(tolerance.factor * unit, 0.125) * scale, 4 * off, 16 * jitter)] * len(row)
    return torch.tensor(result, dtype=torch.float64).view(exact.shape)


@dataclass(frozen=True)
class Question:
    """A truth, and the entry of it that an answer gets wrong."""

    exact: torch.Tensor
    same: torch.Tensor
    jittered: tuple[torch.Tensor, ...]
    tolerance: Tolerance
    at: int

    @property
    def bounds(self):
        return allowed(self.exact, self.same, self.jittered, self.tolerance)

    def answer(self, ratio):
        """Right everywhere, but for one entry that is off by so many times what is allowed; rounded to the dtype."""
        wide = self.exact.clone()
        wide.view(-1)[self.at] += ratio * float(self.bounds.view(-1)[self.at])
        return wide.to(self.same.dtype)

    def ask(self, actual, **options):
        return found(self.exact, self.same, actual, self.tolerance, self.jittered, **options)


@st.composite
def questions(draws, exponents=(-30.0, 30.0), noisy=True):
    shape, dtype, seed = draws(filled), draws(dtypes), draws(seeds)
    exact = draw(seed, shape, draws(st.floats(*exponents)))
    if exact.dim() > 1 and draws(st.booleans()):  # rows of very different sizes
        exact *= 10.0 ** (draw(seed + 1, (*shape[:-1], 1)) * 2).clamp(-6, 6)
    same, jittered = exact.to(dtype), ()
    if noisy and draws(st.booleans()):
        same = (exact * (1 + draw(seed + 2, shape) * 20 * ROUNDOFF[dtype])).to(dtype)
    if noisy and draws(st.booleans()):
        jittered = tuple(exact * (1 + draw(seed + n, shape) * 5 * ROUNDOFF[dtype]) for n in (3, 4))
    at = draws(st.integers(0, max(exact.numel() - 1, 0)))
    return Question(exact, same, jittered, draws(tolerances), at)


# numbers


@many
@given(
    questions(), st.floats(0.0, 4.0), st.sampled_from([-1, 1]), st.sampled_from(["", "transposed", "strided", "offset"])
)
def test_an_answer_is_right_if_and_only_if_every_error_is_within_its_bound(question, ratio, sign, layout):
    actual = question.answer(sign * ratio)
    error, bounds = (actual.double() - question.exact).abs(), question.bounds
    assume(((error / bounds - 1).abs() > 1e-9).all())  # on the bound the last bit decides
    forced = (question.exact.abs() > torch.finfo(actual.dtype).max) & (actual == question.same)
    right = (error <= bounds) | forced
    mismatch = question.ask(laid_out(actual, layout))
    assert kind(mismatch) == (None if right.all() else "wrong")
    if mismatch is not None:
        assert torch.equal(mismatch.bad, ~right)
        assert mismatch.ratio == pytest.approx(float((error / bounds)[~right].nan_to_num(math.inf).max()))


@many
@given(questions(exponents=(-4.0, 4.0)), st.floats(0.0, 0.74), st.sampled_from([-1, 1]))
def test_less_than_the_bound_passes_clearly_more_fails(question, ratio, sign):
    assume(question.bounds.view(-1)[question.at] > 0)
    tiny = torch.finfo(question.same.dtype).smallest_normal
    assume(question.exact.abs().min() > 4 * tiny / torch.finfo(question.same.dtype).eps)
    assume(question.exact.abs().max() < torch.finfo(question.same.dtype).max / 4)
    # rounding the answer itself may cost a quarter of the narrowest bound
    assert question.ask(question.answer(sign * ratio)) is None
    assert kind(question.ask(question.answer(sign * 2.3))) == "wrong"


@few
@given(questions(), st.floats(0.0, 0.7))
def test_the_margin_of_a_right_answer_is_its_largest_error_over_its_bound(question, ratio):
    actual, margins = question.answer(ratio), []
    error, bounds = (actual.double() - question.exact).abs(), question.bounds
    assume(question.ask(actual, margins=margins) is None and bool(actual.isfinite().all()))
    worst = (error / bounds)[error > 0]
    assert max(margins, default=0.0) == pytest.approx(float(worst.max()) if len(worst) else 0.0)


@few
@given(shapes, dtypes, seeds, st.floats(-30, 30), tolerances)
def test_the_truth_rounded_once_is_always_right(shape, dtype, seed, exponent, tolerance):
    exact = draw(seed, shape, exponent)
    assert found(exact, exact.to(dtype), exact.to(dtype), tolerance) is None


@few
@given(questions())
def test_a_nan_is_wrong_wherever_the_truth_has_none(question):
    spoilt = question.exact.to(question.same.dtype, copy=True)
    spoilt.view(-1)[question.at] = math.nan
    wide = tuple(value + 1e300 for value in question.jittered)
    for jittered in (question.jittered, wide):
        mismatch = found(question.exact, question.same, spoilt, question.tolerance, jittered)
        assert kind(mismatch) == "wrong"
        assert bool(mismatch.bad.view(-1)[question.at])
        assert "NaN" in mismatch.message


@few
@given(
    questions(noisy=False),
    st.sampled_from([math.nan, math.inf, -math.inf]),
    st.sampled_from([0.0, 1e30, math.nan, math.inf]),
)
def test_a_nan_or_an_infinity_of_the_truth_must_be_there_and_only_there(question, special, other):
    exact = question.exact.clone()
    exact.view(-1)[question.at] = special
    right = exact.to(question.same.dtype)
    assert found(exact, right, right, question.tolerance) is None
    for wrong in (other, -special, -other):
        answer = right.clone()
        answer.view(-1)[question.at] = wrong
        said = answer.view(-1)[question.at]
        is_it = bool(said.isnan()) if math.isnan(special) else bool(said == special)
        assert kind(found(exact, right, answer, question.tolerance)) == (None if is_it else "wrong")


@few
@given(questions(exponents=(-2.0, 2.0)), st.sampled_from([math.inf, -math.inf]))
def test_an_infinity_is_never_near_a_number(question, infinity):
    answer = question.exact.to(question.same.dtype, copy=True)
    answer.view(-1)[question.at] = infinity
    assert kind(question.ask(answer)) == "wrong"


@few
@given(st.sampled_from([torch.float16, torch.float32]), seeds, st.floats(0.001, 100))
def test_what_the_dtype_cannot_hold_hides_nothing_beside_it(dtype, seed, error):
    """An entry whose truth overflows is infinite, and gives the rest of its row no scale."""
    exact = draw(seed, (2, 6))
    exact[0, 0] = 1e9 * torch.finfo(dtype).max
    right = exact.to(dtype)
    assert found(exact, right, right) is None
    wrong = right.clone()
    wrong[0, 3] += error * float(exact[0, 1:].abs().max())
    assume(wrong[0, 3] - right[0, 3] > 0.1 * exact[0, 1:].abs().max())
    assert kind(found(exact, right, wrong)) == "wrong"


@few
@given(seeds, st.floats(3, 30), st.integers(1, 5), st.sampled_from([torch.float32, torch.bfloat16]))
def test_a_tiny_row_is_not_drowned_by_a_huge_one(seed, decades, columns, dtype):
    exact = draw(seed, (3, columns)) + 3
    exact[1] *= 10.0**-decades
    answer = exact.to(dtype)
    answer[1, 0] *= 2
    same = exact.to(dtype)
    assert kind(found(exact, same, answer)) == "wrong"
    assert found(exact, same, answer).bad.nonzero().tolist() == [[1, 0]]
    if decades > 8:
        assert found(exact, same, answer, Tolerance(per="tensor")) is None


@few
@given(seeds, st.floats(30, 1e5), st.booleans())
def test_own_error_and_jitter_widen_by_their_factors_and_only_their_row(seed, units, by_jitter):
    """4 times the reference's own error, 16 times the jitter, where that is more than c · u · scale."""
    exact = draw(seed, (2, 4)).sign() * 1.0
    off = torch.zeros(2, 4, dtype=torch.float64)
    off[0, 1] = units * 2.0**-24
    same, jittered = exact.float(), ()
    if by_jitter:
        jittered, factor = (exact, exact + off), 16
    else:
        same, factor = (exact + off).float(), 4
    bound = factor * float(max((same - exact).abs().max(), *((j - exact).abs().max() for j in jittered or (exact,))))
    assume(bound > 16 * 2.0**-24)
    for row, ratio, right in ((0, 0.9, True), (0, 1.1, False), (1, 0.9, False)):
        answer = exact.clone()
        answer[row, 3] += ratio * bound
        assert (found(exact, same, answer.float(), jittered=jittered) is None) is right


@few
@given(st.integers(0, 29_999), st.sampled_from([1.0, -3.0, math.inf, math.nan]))
def test_one_wrong_entry_among_many_is_found(at, error):
    answer = BIG.float()
    answer.view(-1)[at] += error
    mismatch = compare(BIG_TRUTH, shown(answer), Tolerance())
    assert kind(mismatch) == "wrong"
    assert mismatch.bad.flatten().nonzero().tolist() == [[at]]


# whole numbers, complex numbers, floats, arrays


@few
@given(filled, st.sampled_from(WHOLE), seeds, st.data())
def test_whole_numbers_and_flags_are_exact(shape, dtype, seed, data):
    exact = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    at = data.draw(st.integers(0, exact.numel() - 1))
    assert found(exact, exact, exact.clone()) is None
    answer = exact.clone()
    answer.view(-1)[at] = ~answer.view(-1)[at] if dtype is torch.bool else answer.view(-1)[at] + 1
    mismatch = found(exact, exact, answer)
    assert kind(mismatch) == "wrong"
    assert mismatch.bad.flatten().nonzero().tolist() == [[at]]
    for other in set(WHOLE) - {dtype}:
        assert kind(found(exact, exact, exact.to(other))) == "contract"


@few
@given(st.integers(-(2**70), 2**70))
def test_python_whole_numbers_are_exact(number):
    assert found(number, number, number) is None
    assert kind(found(number, number, number + 1)) == "wrong"
    assert kind(found(number, number, float(number))) == "contract"


@few
@given(
    filled, st.sampled_from([torch.complex64, torch.complex128]), seeds, st.floats(-20, 20), st.booleans(), st.data()
)
def test_complex_numbers(shape, dtype, seed, exponent, imaginary, data):
    exact = torch.complex(draw(seed, shape, exponent), draw(seed + 1, shape, exponent))
    same = exact.to(dtype)
    at = data.draw(st.integers(0, exact.numel() - 1))
    unit = ROUNDOFF[torch.float32 if dtype is torch.complex64 else torch.float64]
    row = torch.view_as_real(exact.reshape(-1, shape[-1] if shape else 1)[at // (shape[-1] if shape else 1)])
    assert found(exact, same, same.clone()) is None
    for ratio, right in ((0.9, True), (2.0, False)):
        answer = exact.clone()
        answer.view(-1)[at] += (1j if imaginary else 1) * ratio * 16 * unit * float(row.abs().max())
        assert (found(exact, same, answer.to(dtype)) is None) is right
    assert kind(found(exact, same, same.real.clone())) == "contract"


@few
@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x == 0 or abs(x) > 1e-300), st.floats(0, 0.99))
def test_python_floats(number, ratio):
    bound = 16 * 2.0**-24 * abs(number)
    assume(math.isfinite(number + 3 * bound))
    assert found(number, number, number + ratio * bound) is None
    assert kind(found(number, number, number + 2 * bound)) == (None if number == 0 else "wrong")
    for wrong in (math.nan, math.inf, -math.inf):
        assert kind(found(number, number, wrong)) == "wrong"


@few
@given(filled, st.sampled_from([np.float16, np.float32, np.float64, np.int32, np.bool_]), seeds)
def test_arrays_are_graded_like_tensors(shape, dtype, seed):
    exact = (draw(seed, shape) * 3).round().numpy()
    same = exact.astype(dtype)
    assert found(same, same, same.copy()) is None
    changed = same.copy()
    changed.flat[0] = not changed.flat[0] if dtype is np.bool_ else changed.flat[0] + 1
    assert kind(found(same, same, changed)) == "wrong"
    assert kind(found(same, same, torch.from_numpy(np.array(same)))) == "contract"
    assert kind(found(same, same, same.tolist())) == "contract"


# structure


@few
@given(filled, dtypes, seeds)
def test_another_shape_type_or_dtype_breaks_the_contract(shape, dtype, seed):
    exact = draw(seed, shape) + 2
    same = exact.to(dtype)
    others = [same.unsqueeze(0), same.unsqueeze(-1), same.flatten()[:1].view((1,) * (len(shape) + 1))]
    others += [same.to(other) for other in (*ROUNDOFF, torch.int64) if other is not dtype]
    others += [same.double().numpy(), same.tolist(), [same], (same,), float(same.flatten()[0]), 1, True, None]
    if len(shape) > 1 and shape[-1] != shape[-2]:
        others.append(same.mT)
    if len(shape) > 0 and shape[-1] > 1:
        others += [same[..., :1], same[..., 1:], same.sum(-1)]
    for other in others:
        assert kind(found(exact, same, other)) == "contract", other


@few
@given(shapes.filter(lambda shape: 0 in shape), dtypes)
def test_an_empty_answer_still_has_a_shape_and_a_dtype(shape, dtype):
    exact = torch.zeros(shape, dtype=torch.float64)
    assert found(exact, exact.to(dtype), exact.to(dtype)) is None
    assert kind(found(exact, exact.to(dtype), exact.to(dtype).unsqueeze(0))) == "contract"
    assert kind(found(exact, exact.to(dtype), exact.to(torch.int64))) == "contract"


leaves = st.integers(-9, 9) | st.booleans() | st.text(max_size=3) | st.floats(-9, 9) | st.builds(draw, seeds, filled)
keys = st.text("abc", min_size=1, max_size=2)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.lists(inner, min_size=1, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, min_size=1, max_size=3)
        | st.dictionaries(keys, inner, min_size=1, max_size=3).map(lambda fields: Record("Step", fields))
    ),
    max_leaves=8,
)


def replanted(tree, number, change, path=""):
    """The tree with leaf `number` changed, where it is, and how many leaves it has."""
    if isinstance(tree, Record):
        items, wrap = [(f".{k}", k, v) for k, v in tree._record[1].items()], lambda new: Record("Step", new)
    elif isinstance(tree, dict):
        items, wrap = [(f"[{k!r}]", k, v) for k, v in tree.items()], dict
    elif isinstance(tree, list | tuple):
        items = [(f"[{n}]", n, v) for n, v in enumerate(tree)]
        wrap = lambda new: type(tree)(new.values())  # noqa: E731
    else:
        return (change(tree) if number == 0 else tree), (path if number == 0 else None), 1
    made, place, total = {}, None, 0
    for step, key, value in items:
        made[key], here, count = replanted(value, number - total, change, path + step)
        place, total = here if here is not None else place, total + count
    return wrap(made), place, total


def spoilt(leaf):
    if isinstance(leaf, str):
        return leaf + "x"
    if isinstance(leaf, bool):
        return not leaf
    return leaf + 100


@many
@given(trees, st.integers(0, 7))
def test_a_wrong_leaf_of_a_nested_answer_is_found_and_named(tree, number):
    same, _, total = replanted(tree, -1, None)
    assert found(tree, tree, same) is None
    wrong, place, _ = replanted(tree, number % total, spoilt)
    mismatch = found(tree, tree, wrong)
    assert kind(mismatch) == "wrong"
    assert mismatch.path == place
    missing, _, _ = replanted(tree, number % total, lambda leaf: None)
    assert kind(found(tree, tree, missing)) == "contract"


@few
@given(trees, trees)
def test_answers_that_differ_are_told_apart_both_ways(one, other):
    assert (found(one, one, other) is None) == (found(other, other, one) is None)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [({1, 2}, {True, 2}), ({1: "a"}, {True: "a"}), ({1: "a"}, {1.0: "a"}), (frozenset({0}), frozenset({False}))],
    ids=str,
)
def test_flags_and_floats_are_no_whole_numbers_inside_sets_and_keys_either(right, wrong):
    assert found(right, right, right) is None
    assert found(right, right, wrong) is not None


@pytest.mark.parametrize(
    ("exact", "same"),
    [
        (torch.ones(3, dtype=torch.float64), torch.ones(2)),
        (torch.ones(3, dtype=torch.long), torch.ones(1, dtype=torch.long)),
        ([1, 2, 3], [1, 2]),
        ((1, 2, 3), (1, 2)),
        ({1: 2}, {1: 2, 3: 4}),
        ({"a": 1}, {"b": 1}),
        (None, torch.ones(2)),
        (torch.ones(2), None),
        (1, 1.0),
        (Record("Step", {"a": 1}), Record("Step", {"a": 1, "b": 2})),
    ],
    ids=str,
)
def test_a_truth_that_rounding_decides_is_wrong_and_nobodys_contract(exact, same):
    """The inputs are drawn again then; a broken contract would be final, an exception ours."""
    for answer in (exact, same):
        assert kind(found(exact, same, answer)) == "wrong"
    assert found(exact, exact, exact, jittered=[same, Raised("ValueError", ["ValueError"])]) is None
