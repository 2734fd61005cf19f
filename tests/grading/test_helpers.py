"""What an exercise's own tests use: close, equal, raises, fail."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from thinkllm_drill import locale
from thinkllm_drill.grading import assert_close, assert_equal, fail, raises
from thinkllm_drill.judge.failures import AttemptRaised, Wrong
from thinkllm_drill.judge.wire import Record

WORDS = {"en": "must agree", "zh": "应当一致"}


def close(actual, expected, **more):
    assert_close(actual, expected, **WORDS, **more)


def test_an_fp64_truth_may_be_compared_with_a_float32_answer():
    expected = torch.randn(5, dtype=torch.float64)
    close(expected.float(), expected)
    close([expected.float(), (expected.bfloat16(),)], [expected, (expected,)])
    close({"a": expected.float()}, {"a": expected})
    close(Record("Step", {"loss": expected.float()}), Record("Step", {"loss": expected}))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (torch.tensor([1.0]), torch.tensor([1.001])),
        (torch.tensor([math.nan]), torch.tensor([1.0])),
        (torch.tensor([1.0]), torch.tensor(1.0)),
        (torch.tensor([1]), torch.tensor([1.0])),
        ([torch.tensor([1.0])], (torch.tensor([1.0]),)),
        (1.0, 1),
        (1.0, 1.1),
        (None, 1.0),
        (np.ones(2), torch.ones(2)),
        ({"a": 1}, {"b": 1}),
    ],
    ids=str,
)
def test_what_is_not_close_ends_the_check(actual, expected):
    with pytest.raises(Wrong, match="must agree"):
        close(actual, expected)


def test_the_reduction_widens_the_tolerance():
    actual, expected = torch.tensor([1.0 + 40 * 2.0**-24]), torch.tensor([1.0], dtype=torch.float64)
    with pytest.raises(Wrong):
        close(actual, expected)
    close(actual, expected, reduction=1024)


def test_equal_means_every_bit_of_the_value():
    assert_equal(torch.tensor([0.1, math.nan]), torch.tensor([0.1, math.nan]), **WORDS)
    with pytest.raises(Wrong):
        assert_equal(torch.tensor([0.1]), torch.nextafter(torch.tensor([0.1]), torch.tensor([1.0])), **WORDS)
    with pytest.raises(Wrong):
        assert_equal(0.1, math.nextafter(0.1, 1.0), **WORDS)
    with pytest.raises(Wrong):
        assert_equal(torch.ones(2), torch.ones(2, dtype=torch.float64), **WORDS)


def test_the_failure_carries_words_values_and_place():
    with pytest.raises(Wrong) as caught:
        close(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 2.0, 3.0]))
    cause = caught.value.cause
    assert cause.message.splitlines()[0] == "must agree"
    assert (cause.expected, cause.actual) == ("[1.000, 2.000, 3.000]", "[1.000, 2.000, 4.000]")
    assert cause.where == "Only the last is wrong, counted by element."
    locale.use("zh")
    with pytest.raises(Wrong, match="应当一致"):
        close(1.0, 2.0)


def raised(name, *bases):
    return AttemptRaised({"type": name, "message": "x", "bases": [name, *bases], "frames": [], "shapes": {}})


def throwing(error):
    def call():
        raise error

    return call


def test_raises_wants_that_type_or_one_derived_from_it():
    raises(throwing(raised("ValueError")), "ValueError", **WORDS)
    raises(throwing(raised("Mine", "ValueError")), "ValueError", **WORDS)
    with pytest.raises(Wrong) as caught:
        raises(throwing(raised("KeyError", "LookupError")), "ValueError", **WORDS)
    assert caught.value.cause.actual == "KeyError: x"
    with pytest.raises(Wrong, match="must agree"):
        raises(lambda: 3, "ValueError", **WORDS)


def test_fail_says_it_in_the_learners_language():
    locale.use("zh")
    with pytest.raises(Wrong, match="应当一致"):
        fail(**WORDS)
