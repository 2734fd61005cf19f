"""Work on several exercises at a time."""

from __future__ import annotations

import threading

import pytest

from thinkllm_drill.author.side_by_side import side_by_side


def test_results_come_in_order_and_as_many_are_worked_on_as_said():
    meet = threading.Barrier(2, timeout=10)

    def work(number: int) -> int:
        meet.wait()
        return number * 10

    assert list(side_by_side(work, range(6), 2)) == [0, 10, 20, 30, 40, 50]


def test_what_one_raises_is_raised_in_its_place():
    def work(number: int) -> int:
        return 6 // number

    results = side_by_side(work, [3, 2, 0, 1], 2)
    assert [next(results), next(results)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_nothing_to_do():
    assert list(side_by_side(str, [], 4)) == []
