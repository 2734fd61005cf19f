"""The reference behind the interface of an attempt, and what scenarios show."""

from __future__ import annotations

import types
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from thinkllm_drill.grading.local import Reference
from thinkllm_drill.grading.observe import Outcome, discrete, freeze, observe, parts
from thinkllm_drill.grading.rng import Rng
from thinkllm_drill.judge.failures import AttemptDied, AttemptRaised
from thinkllm_drill.judge.remote import Raised


@dataclass
class Step:
    loss: torch.Tensor
    value: int = 3


class Counter:
    def __init__(self, start=0):
        self.count, self.items = start, ["a", "b"]

    def add(self, x):
        self.count = self.count + x
        return self.count

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.items[index]

    def __iter__(self):
        return iter(self.items)

    def __contains__(self, item):
        return item in self.items


def fail(x):
    raise KeyError("x")


def module():
    made = types.SimpleNamespace(Step=Step, Counter=Counter, fail=fail, Linear=torch.nn.Linear)
    made.kind = lambda x: x.dtype
    made.same = lambda x: x
    made.ones = lambda: torch.ones(2)
    made.spoil = lambda x: x.zero_()
    made.array = lambda a: a
    made.step = lambda x: Step(x)
    made.loss = lambda step: step.loss * 2
    return made


X = torch.tensor([0.1, 1.0])


def test_floats_are_cast_and_nothing_else():
    reference = Reference(module())
    assert reference.kind(X) == torch.float64
    assert reference.kind(torch.tensor([1])) == torch.int64
    assert reference.same([X, (X, 3), {"a": X}])[2]["a"].dtype == torch.float64
    assert reference.array(np.array([1.5], dtype=np.float32)).dtype == np.float64
    assert reference.array(np.array([1])).dtype == np.int64
    assert Reference(module(), None).kind(X) == torch.float32


def test_tensors_that_the_reference_makes_are_in_fp64_too():
    assert Reference(module()).ones().dtype == torch.float64
    assert Reference(module(), None).ones().dtype == torch.float32
    assert torch.get_default_dtype() == torch.float32


def test_modules_are_cast():
    assert Reference(module()).Linear(2, 2).weight.dtype == torch.float64
    assert Reference(module()).Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float64


@pytest.mark.parametrize("dtype", [torch.float64, None])
def test_the_callers_tensors_are_not_touched(dtype):
    x = torch.ones(3)
    Reference(module(), dtype).spoil(x)
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_jitter_moves_numbers_by_one_roundoff_but_not_short_fractions():
    reference = Reference(module(), jitter=2.0**-24, rng=Rng(1))
    x = torch.tensor([0.1, 0.3, 1.0, 0.0, 0.125, -1.5, torch.inf, torch.nan, 1e6 + 0.1], dtype=torch.float64)
    moved = reference.same(x)
    apart = (moved - x).abs() / x.abs()
    assert apart[[0, 1, 8]].tolist() == pytest.approx([2.0**-24] * 3, rel=1e-6)
    assert moved[2:7].tolist() == x[2:7].tolist()
    assert moved[7].isnan()
    assert reference.same(torch.arange(3)).tolist() == [0, 1, 2]


def test_objects_of_the_reference_behave_like_those_of_an_attempt():
    counter = Reference(module()).Counter(2)
    assert counter.add(3) == 5
    assert counter.count == 5
    counter.count = 9
    assert (len(counter), counter[1], list(counter), "a" in counter, "z" in counter) == (
        2,
        "b",
        ["a", "b"],
        True,
        False,
    )


def test_a_field_called_value_is_a_field():
    reference = Reference(module())
    assert reference.step(X).value == 3
    assert reference.place(X).value().dtype == torch.float64


def test_placed_tensors_have_an_identity_and_gradients():
    placed = Reference(module()).place(X)
    placed.grad = torch.tensor([1.0, 2.0])
    assert placed.grad.dtype == torch.float64
    Reference(module()).spoil(placed)
    assert placed.value().tolist() == [0.0, 0.0]
    placed.grad = None
    assert placed.grad is None
    assert placed.requires_grad_().requires_grad


def test_records_go_in_and_out():
    reference = Reference(module())
    step = reference.step(X)
    assert reference.loss(step).tolist() == pytest.approx([0.2, 2.0])
    assert reference.loss(freeze(step)).tolist() == pytest.approx([0.2, 2.0])
    assert reference.Step(loss=X).loss.dtype == torch.float64


def test_outcomes_are_results_or_exceptions():
    reference = Reference(module())
    assert reference.outcome(lambda: reference.same(3)) == 3
    found = reference.outcome(lambda: reference.fail(3))
    assert (found.type_name, "LookupError" in found.bases) == ("KeyError", True)


def test_local_functions_work_on_the_things_themselves():
    reference = Reference(module())
    placed = reference.place(X)
    assert reference.local("lambda p: p.zero_() is p")(placed) is True
    assert placed.value().tolist() == [0.0, 0.0]
    doubled = reference.local("lambda x: x * 2")
    assert doubled(X).dtype == torch.float64


# what is shown


def test_what_was_shown_does_not_change_afterwards():
    x, items, array = torch.ones(2), [1, {"a": [2]}], np.ones(2)
    frozen = freeze((x, items, array, Step(x)))
    x.zero_()
    items[1]["a"].append(3)
    array[:] = 0
    assert frozen[0].tolist() == [1.0, 1.0]
    assert frozen[1] == [1, {"a": [2]}]
    assert frozen[2].tolist() == [1.0, 1.0]
    assert frozen[3].loss.tolist() == [1.0, 1.0]


def test_pairs_with_a_text_first_are_labelled_and_nothing_else_is():
    def scenario():
        yield "a", 1
        yield 2
        yield ("a", 1, 2)
        yield (1, "a")
        yield ["a", 1]

    shown = observe(scenario, trusted=True).observations
    assert shown == (("a", 1), ("", 2), ("", ("a", 1, 2)), ("", (1, "a")), ("", ["a", 1]))


def raising(error):
    def scenario():
        yield 1
        raise error

    return scenario


def test_an_exception_of_the_reference_is_an_observation():
    outcome = observe(raising(ValueError("no")), trusted=True)
    assert isinstance(outcome.observations[1][1], Raised)
    assert outcome.observations[1][1].bases[:2] == ("ValueError", "Exception")


def test_an_exception_of_the_attempt_is_an_observation_and_a_failure():
    raised = {"type": "KeyError", "message": "x", "bases": ["KeyError"], "frames": [], "shapes": {}}
    outcome = observe(raising(AttemptRaised(raised)), trusted=False)
    assert outcome.observations[1][1].type_name == "KeyError"
    assert outcome.failure.type_name == "KeyError"


def test_a_crash_ends_the_run_without_an_observation():
    outcome = observe(raising(AttemptDied("gone")), trusted=False)
    assert len(outcome.observations) == 1
    assert isinstance(outcome.failure, AttemptDied)


def test_an_error_of_the_grader_itself_is_not_the_attempts():
    with pytest.raises(ZeroDivisionError):
        observe(raising(ZeroDivisionError()), trusted=False)


def shown(*values):
    return Outcome(tuple(("", freeze(value)) for value in values))


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (1, 2),
        (True, False),
        ("a", "b"),
        ([1.0], [1.0, 2.0]),
        (torch.tensor([1]), torch.tensor([2])),
        (torch.tensor([1.0, torch.inf]), torch.tensor([torch.inf, 1.0])),
        (torch.tensor([1.0, torch.inf]), torch.tensor([1.0, -torch.inf])),
        (torch.tensor([torch.nan]), torch.tensor([1.0])),
        (torch.inf, 1.0),
        (np.array([1]), np.array([2])),
        (Step(X, 1), Step(X, 2)),
        ({"a": 1}, {"a": 2}),
        (Raised("A", []), Raised("B", [])),
    ],
    ids=str,
)
def test_decisions_are_told_apart_and_equal_to_themselves(value, other):
    assert discrete(shown(value)) == discrete(shown(value))
    assert discrete(shown(value)) != discrete(shown(other))


@pytest.mark.parametrize(
    ("value", "other"),
    [(1.5, 2.5), (torch.tensor([1.5]), torch.tensor([2.5])), (torch.tensor([1j]), torch.tensor([2j])), ([X], [X * 2])],
    ids=str,
)
def test_finite_numbers_are_no_decisions(value, other):
    assert discrete(shown(value)) == discrete(shown(other))


def test_parts_of_nested_values_have_paths():
    value = freeze({"a": [1, (2,)], "s": Step(torch.ones(1))})
    assert [path for path, _ in parts(value)] == ["['a'][0]", "['a'][1][0]", "['s'].loss", "['s'].value"]
