# Generated from solutions/lists/moving_average.py; do not edit. thinkllm dev render
"""The mean of every window of neighbouring values.

Source: https://en.wikipedia.org/wiki/Moving_average
"""


def moving_average(values: list[float], window: int) -> list[float]:
    """Return the mean of every window.

    Args:
        values: any length.
        window: at least 1.
    """
    raise NotImplementedError("blank 1: moving_average")
