"""The mean of every window of neighbouring values.

Source: https://en.wikipedia.org/wiki/Moving_average
"""


def moving_average(values: list[float], window: int) -> list[float]:
    """Return the mean of every window.

    Args:
        values: any length.
        window: at least 1.
    """
    if window < 1:
        raise ValueError("window must be at least 1")
    # region blank: the total of the first window
    means = []
    total = sum(values[:window])
    # endregion
    # region blank: move the window one value at a time
    for end in range(window, len(values) + 1):
        means.append(total / window)
        if end < len(values):
            total += values[end] - values[end - window]

    return means
    # endregion
