"""Bytecodes that a call executes."""

from __future__ import annotations

import pytest

from thinkllm_drill.judge.failures import AttemptRaised
from thinkllm_drill.judge.proxy import Attempt

SOURCE = """
import statistics, sys, threading

def linear(n):
    total = 0
    for i in range(n):
        total += i
    return total

def quadratic(n):
    return sum(linear(n) for _ in range(n))

def in_thread(n):
    thread = threading.Thread(target=linear, args=(n,))
    thread.start()
    thread.join()

def library(n):
    return statistics.fmean(list(range(n)))

def by_numpy(n):
    import numpy as np
    return float(np.zeros(n).sum())

def by_ufunc(x):
    import numpy as np
    return float(np.exp(np.array(x)))

def calls_back(f):
    return f(3) + 1

def by_torch(n):
    import torch
    return float(torch.arange(n).sum())

def tampers(n):
    sys.settrace(None)
    return linear(n)

def raises(n):
    raise ValueError("no")
"""


def steps(attempt: Attempt, name: str, *args: object) -> int:
    counted = attempt.profile(name, *args, instructions=True).instructions
    assert counted is not None
    return counted


def test_bytecodes_grow_with_the_work(attempt: Attempt) -> None:
    few, many, more = (steps(attempt, "linear", n) for n in (10, 20, 30))
    assert many - few == more - many
    assert 10 * 3 <= many - few <= 10 * 8
    assert steps(attempt, "quadratic", 40) > 3.5 * steps(attempt, "quadratic", 20)


def test_the_count_is_reproducible(attempt: Attempt) -> None:
    assert len({steps(attempt, "quadratic", 9) for _ in range(3)}) == 1


def test_threads_and_the_standard_library_count(attempt: Attempt) -> None:
    assert steps(attempt, "in_thread", 200) - steps(attempt, "in_thread", 100) > 100 * 3
    assert steps(attempt, "library", 10) > 10


@pytest.mark.parametrize(
    ("name", "argument", "package"),
    [("by_numpy", 5, "numpy"), ("by_ufunc", 1.0, "numpy"), ("by_torch", 3, "torch"), ("linear", 3, None)],
)
def test_packages_whose_work_does_not_show(attempt: Attempt, name: str, argument: object, package: str | None) -> None:
    attempt[name](argument)  # an import is no part of the call
    packages = attempt.profile(name, argument, instructions=True).packages
    assert packages == ((package,) if package else ())


def test_functions_of_the_grader_are_not_counted(attempt: Attempt) -> None:
    assert steps(attempt, "calls_back", lambda x: sum(range(x * 1000))) < 20


def test_who_stops_the_count_is_told(attempt: Attempt) -> None:
    with pytest.raises(AttemptRaised, match=r"sys\.settrace"):
        attempt.profile("tampers", 3, instructions=True)
    assert steps(attempt, "linear", 3) > 0


def test_a_call_that_raises_and_one_that_is_not_counted(attempt: Attempt) -> None:
    with pytest.raises(AttemptRaised, match="no"):
        attempt.profile("raises", 3, instructions=True)
    assert attempt.profile("linear", 3).instructions is None
