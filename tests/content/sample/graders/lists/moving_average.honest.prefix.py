"""Differences of prefix sums."""

from itertools import accumulate


def moving_average(values, window):
    if window <= 0:
        raise ValueError("window")
    sums = [0, *accumulate(values)]
    return [(right - left) / window for left, right in zip(sums, sums[window:], strict=False)]
