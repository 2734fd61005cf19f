"""Short renderings of expected and actual values, the same window of both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thinkllm_drill.grading.compare import Mismatch
from thinkllm_drill.judge.wire import Record

ROWS, COLUMNS, TEXT, LINES = 4, 6, 300, 12


def show(mismatch: Mismatch) -> tuple[str | None, str | None]:
    """What was expected and what came, of tensors the window around the first wrong element."""
    exact, actual = mismatch.expected, mismatch.actual
    if _same_grid(exact, actual):
        return _tensors(exact, actual, _window(exact, mismatch.bad))
    if isinstance(exact, float) and isinstance(actual, float):
        digits = _digits(exact, actual)
        return f"{exact:.{digits}g}", f"{actual:.{digits}g}"
    if type(exact) is type(actual) and isinstance(exact, str | list | tuple):
        return _around_difference(exact, actual)
    return _plain(exact), _plain(actual)


def show_arguments(arguments: Mapping[str, Any]) -> str | None:
    """`name = value` for each argument, on a line or more; None if that would fill the screen."""
    blocks = []
    for name, value in arguments.items():
        if isinstance(value, Tensor) and 0 < value.numel() <= ROWS * COLUMNS and value.dim() <= 2:
            fmt = _rounded if value.is_floating_point() else str
            width = max(len(fmt(item)) for item in value.flatten().tolist())
            shown = _grid(value, fmt, width)
        elif isinstance(value, Tensor) and 0 < value.numel() <= ROWS * COLUMNS:
            shown = _nested(value.tolist())
        else:
            shown = _plain(value) or ""
        indent = "\n" + " " * (len(name) + 3)
        blocks.append(f"{name} = " + shown.replace("\n", indent))
    lines = "\n".join(blocks)
    return lines if lines.count("\n") < LINES else None


def _nested(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_nested, value))}]"
    return _rounded(value) if isinstance(value, float) else str(value)


def _rounded(value: float) -> str:
    return f"{value:.4g}"


def _around_difference(exact: Any, actual: Any) -> tuple[str, str]:
    """Both from shortly before the first place where they differ."""
    pairs = zip(exact, actual, strict=False)
    first = next((k for k, (one, other) in enumerate(pairs) if not _alike(one, other)), min(len(exact), len(actual)))
    before = 30 if isinstance(exact, str) else 1
    start = max(0, first - before) if len(repr(exact)) > TEXT or len(repr(actual)) > TEXT else 0
    note = "… " if start else ""
    return note + (_plain(exact[start:]) or ""), note + (_plain(actual[start:]) or "")


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, tensors within them too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, Record):
        return one._record[0] == other._record[0] and _alike(one._record[1], other._record[1])
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)


def _same_grid(exact: Any, actual: Any) -> bool:
    both = isinstance(exact, Tensor) and isinstance(actual, Tensor)
    return both and exact.shape == actual.shape and exact.numel() > 0


def _plain(value: Any) -> str | None:
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"Tensor {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    shown = repr(value)
    return shown if len(shown) <= TEXT else shown[:TEXT] + " …"


def _digits(a: float, b: float) -> int:
    if not (math.isfinite(a) and math.isfinite(b)) or a == b:
        return 6
    apart = abs(a - b) / max(abs(a), abs(b))
    return min(17, max(4, 2 - math.floor(math.log10(apart)))) if apart else 17


def _window(exact: Tensor, bad: Tensor | None) -> tuple[Any, ...]:
    """Indices of a window of at most ROWS × COLUMNS that holds the first wrong element."""
    at = [0] * exact.dim()
    if bad is not None and bool(bad.any()):
        at = bad.nonzero()[0].tolist()
    index: list[Any] = list(at)
    for axis, most in zip(range(exact.dim() - 1, -1, -1), (COLUMNS, ROWS), strict=False):
        start = min(max(0, at[axis] - most // 2), max(0, exact.shape[axis] - most))
        start = 0 if at[axis] < most else start
        index[axis] = slice(start, start + most)
    return tuple(index)


def _tensors(exact: Tensor, actual: Tensor, window: tuple[Any, ...]) -> tuple[str, str]:
    right, yours = exact[window], actual[window]
    numbers = [part.double() for part in (right, yours) if part.is_floating_point()]
    decimals = _decimals(numbers[0], numbers[-1]) if numbers else str
    cells = [(part, decimals if part.is_floating_point() else str) for part in (right, yours)]
    width = max((len(str(fmt(value))) for part, fmt in cells for value in part.flatten().tolist()), default=0)
    shown = [_grid(part, fmt, width) for part, fmt in cells]
    return shown[0], shown[1]


def shown_part(mismatch: Mismatch) -> str | None:
    """`[1, 0, :4, :6] of (2, 8, 5, 8)` where `show` gives a part of a tensor, None where it gives the whole."""
    exact, actual = mismatch.expected, mismatch.actual
    if not _same_grid(exact, actual):
        return None
    window, shape = _window(exact, mismatch.bad), exact.shape

    def whole(i: Any, n: int) -> bool:
        return n == 1 or (isinstance(i, slice) and i.start == 0 and i.stop >= n)

    if all(whole(i, n) for i, n in zip(window, shape, strict=True)):
        return None

    def one(i: Any, n: int) -> str:
        if not isinstance(i, slice):
            return str(i)
        start, stop = "" if i.start == 0 else i.start, "" if i.stop >= n else i.stop
        return f"{start}:{stop}"

    return f"[{', '.join(one(i, n) for i, n in zip(window, shape, strict=True))}]"


def _decimals(right: Tensor, yours: Tensor) -> Any:
    """A format with enough digits to show the difference."""
    both = torch.cat([right.flatten(), yours.flatten()])
    both = both[both.isfinite()]
    largest = float(both.abs().max()) if both.numel() else 1.0
    apart = (right - yours).abs().flatten()
    apart = apart[apart.isfinite() & (apart > 0)]
    gap = float(apart.max()) if apart.numel() else largest
    if largest and (largest >= 1e5 or largest < 1e-3):
        digits = min(8, max(3, 2 - math.floor(math.log10(gap / largest)))) if gap else 3
        return lambda value: f"{value:.{digits}e}"
    places = min(9, max(3, 1 - math.floor(math.log10(gap)))) if gap else 3
    return lambda value: f"{value:.{places}f}" if math.isfinite(value) else f"{value}"


def _grid(values: Tensor, fmt: Any, width: int) -> str:
    if values.dim() == 0:
        return str(fmt(values.item()))
    rows = values.tolist() if values.dim() > 1 else [values.tolist()]
    cells = [[str(fmt(value)) for value in row] for row in rows]
    lines = ["[" + ", ".join(cell.rjust(width) for cell in row) + "]" for row in cells]
    return lines[0] if values.dim() == 1 else "[" + ",\n ".join(lines) + "]"
