from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from thinkllm_drill import locale
from thinkllm_drill.grading.compare import Mismatch, Tolerance, Truth, compare
from thinkllm_drill.grading.observe import Outcome
from thinkllm_drill.grading.show import show, shown_part
from thinkllm_drill.grading.where import where
from thinkllm_drill.judge.wire import Record


def mismatch(exact, actual):
    truth = Outcome((("", exact),))
    found = compare(Truth(truth, truth), Outcome((("", actual),)), Tolerance())
    assert found is not None
    return found


def right(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1)) + 5.0


def spoilt(index, shape=(6, 8)):
    exact = right(*shape)
    actual = exact.clone()
    actual[index] += torch.rand_like(actual[index]) + 1.0
    return exact, actual


def words(exact, actual):
    return where(mismatch(exact, actual))


# where


@pytest.mark.parametrize(
    ("factor", "named"),
    [
        (math.sqrt(8), "2.828 = √8"),
        (1 / math.sqrt(64), "0.125 = 1/8"),
        (1 / math.sqrt(3), "0.5774 = 1/√3"),
        (3.0, "3 times"),
        (0.37, "0.37 times"),
        (-math.sqrt(2), "-1.414 = −√2"),
        (-2.0, "-2 times"),
    ],
)
def test_one_factor_everywhere_is_named(factor, named):
    exact = right(4, 5)
    said = words(exact, exact * factor)
    assert "one factor" in said
    assert named in said


def test_sign_offset_zeros_and_constants():
    exact = right(4, 5)
    assert words(exact, -exact) == "Everything has the wrong sign."
    assert words(exact, exact + 0.25) == "Everything is off by the same amount, 0.25."
    assert words(exact, torch.zeros(4, 5)) == "Everything is zero."
    assert words(exact, torch.full((4, 5), 0.5)) == "Everything is the same number, 0.5."


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ((slice(None), slice(-3, None)), "Only the last 3 are wrong, counted by column."),
        ((slice(None), slice(0, 2)), "Only the first 2 are wrong, counted by column."),
        (slice(1, None), "The first row is right, every later one is not."),
        ((slice(None), slice(1, None, 3)), "Wrong in one column out of 3, from index 1."),
        ((slice(None), [0, 3, 4]), "Wrong only at column 0, 3, 4."),
        (slice(2, 3), "Wrong only at row 2."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_places_are_told_by_the_axis_that_says_most(index, said):
    assert words(*spoilt(index)) == said


def test_leading_axes_are_named_by_number_and_elements_of_a_vector_by_themselves():
    assert words(*spoilt(slice(-1, None), (3, 4, 5))) == "Only the last is wrong, counted by axis-0 index."
    assert words(*spoilt(slice(-2, None), (7,))) == "Only the last 2 are wrong, counted by element."


def test_scattered_elements():
    exact = right(10, 10)
    actual = exact.clone()
    actual[torch.arange(10), torch.randperm(10, generator=torch.Generator().manual_seed(0))] += 1.0
    assert words(exact, actual) == "About 10 % of the elements are wrong, in no simple pattern."


def test_the_right_numbers_in_other_places():
    exact = right(5, 5)
    assert words(exact, exact.mT.contiguous()) == "It is the right answer transposed."
    assert words(exact[0], exact[0].flip(0)) == "It is the right answer reversed, by element."
    assert words(exact, exact.flip(0)) == "It is the right answer reversed, by row."
    assert words(exact, exact.roll(1, 0)) == "These are the right numbers in another order."
    small = torch.tensor([1.0, 1e-7, 3e-7, 2e-6])  # each is the right one by its own size, or none is
    assert "another order" not in (words(small, torch.tensor([1.0, 0.0, 5e-7, 0.0])) or "")


def test_numbers_that_are_nearly_right_are_not_in_another_order():
    exact = right(5, 5)
    said = words(exact, exact * (1 + 5e-6 * torch.linspace(-1, 1, 25).view(5, 5)))
    assert said is not None
    assert said.startswith("Every number is right but for its last digits: the largest relative error is 5e-06.")


def test_a_few_columns_that_happen_to_be_right_are_no_pattern():
    columns = [index for index in range(21) if index not in (4, 9, 15)]
    said = words(*spoilt((slice(None), columns), (3, 21)))
    assert said == "About 86 % of the elements are wrong, in no simple pattern."


def test_whole_numbers_have_places_too():
    exact = torch.arange(12).reshape(3, 4)
    actual = exact.clone()
    actual[:, -1] += 1
    assert words(exact, actual) == "Only the last is wrong, counted by column."
    assert words(exact, exact + 1) is None


def test_a_single_number_has_no_place():
    assert words(torch.tensor(1.0), torch.tensor(2.0)) is None


def test_nan_in_some_rows_is_a_place_not_a_factor():
    exact = right(6, 8)
    actual = exact.clone()
    actual[4:] = math.nan
    assert words(exact, actual) == "Only the last 2 are wrong, counted by row."


@pytest.mark.parametrize("lang", locale.LANGUAGES)
def test_every_pattern_has_words_in_both_languages(lang):
    locale.use(lang)
    exact = right(5, 5)
    for actual in (-exact, exact * 2, exact + 1, exact * 0, exact.mT, exact.flip(0), exact.roll(1, 0)):
        said = words(exact, actual.contiguous())
        assert said
        assert "{" not in said
        assert ("。" in said) is (lang == "zh")


# show


def test_small_tensors_are_shown_whole():
    found = mismatch(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 2.5]]))
    assert show(found) == ("[[1.000, 2.000]]", "[[1.000, 2.500]]")
    assert shown_part(found) is None


def test_the_window_holds_the_first_wrong_element():
    exact = torch.zeros(2, 3, 50, 40)
    exact += torch.arange(40.0)
    actual = exact.clone()
    actual[1, 2, 30, 20] = -7.0
    found = mismatch(exact, actual)
    expected, got = show(found)
    assert shown_part(found) == "[1, 2, 28:32, 17:23]"
    assert "-7.0" in got
    assert "-7.0" not in expected
    assert len(got.splitlines()) == 4
    assert all(line.count(",") - line.endswith(",") == 5 for line in got.splitlines())


def test_enough_digits_are_shown_to_see_the_difference():
    found = mismatch(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0001]))
    expected, got = show(found)
    assert expected != got
    found = mismatch(torch.tensor([1.5e8, 2.0e8]), torch.tensor([1.5e8, 2.001e8]))
    expected, got = show(found)
    assert expected != got
    expected, got = show(mismatch(1.0, 1.0001))
    assert expected != got


def test_nan_infinities_and_whole_numbers_are_shown():
    found = mismatch(torch.tensor([1.0, math.inf]), torch.tensor([math.nan, math.inf]))
    assert show(found) == ("[1.000,   inf]", "[  nan,   inf]")
    assert show(mismatch(torch.tensor([1, 20]), torch.tensor([1, 3])))[1] == "[ 1,  3]"


def test_a_wrong_shape_shows_both_shapes():
    assert show(mismatch(torch.zeros(2, 3), torch.zeros(3, 2))) == ("Tensor (2, 3) float32", "Tensor (3, 2) float32")


@pytest.mark.parametrize("shape", [(0,), (0, 3), (0, 3, 4), (2, 0, 3), (3, 0)])
def test_empty_tensors_of_a_wrong_dtype_can_be_shown(shape):
    found = mismatch(torch.zeros(shape), torch.zeros(shape, dtype=torch.float64))
    assert show(found) == (f"Tensor {shape} float32", f"Tensor {shape} float64")
    assert shown_part(found) is None
    assert where(found) is None


def test_a_wrong_dtype_is_seen_in_what_is_shown():
    assert show(mismatch(torch.ones(2), torch.ones(2, dtype=torch.int64))) == ("[1.000, 1.000]", "[    1,     1]")
    assert show(mismatch(torch.ones(1), torch.ones(1, dtype=torch.complex64))) == ("[ 1.000]", "[(1+0j)]")


def test_long_values_are_cut():
    _, got = show(mismatch(["a"], ["b" * 10_000]))
    assert len(got) < 400
    assert show(mismatch(None, 3)) == ("None", "3")


ONE, TWO = torch.ones(2, 3), torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ([(ONE, TWO), (ONE, TWO)], [(ONE, TWO)]),
        ([(ONE, TWO)], [(ONE, ONE)]),
        ((np.ones(3), 1), (np.zeros(3), 1)),
        ([{"k": ONE}], [{"k": TWO}]),
        ([Record("Cache", {"k": ONE})], [Record("Cache", {"k": TWO})]),
        ([ONE], [ONE.double()]),
    ],
    ids=["shorter", "tensors", "arrays", "dicts", "records", "dtypes"],
)
def test_nested_values_that_differ_are_both_shown(expected, actual):
    shown = show(Mismatch("wrong", "", expected=expected, actual=actual))
    assert all(shown)
    assert shown[0] != shown[1]
