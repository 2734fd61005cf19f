"""Says in words where and how a wrong tensor differs from the right one."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from thinkllm_drill.grading.compare import Mismatch
from thinkllm_drill.locale import text

SAME = 2e-3
SAME_NUMBER = 1e-4
"""Relative spread under which quotients or differences count as one constant."""


def where(mismatch: Mismatch) -> str | None:
    """One sentence about the pattern of the wrong elements, None where there is no simple one."""
    exact, actual, bad = mismatch.expected, mismatch.actual, mismatch.bad
    if bad is None or not isinstance(exact, Tensor) or not isinstance(actual, Tensor) or bad.numel() < 2:
        return None
    if exact.is_floating_point():
        exact, actual = exact.double(), actual.double()
        if (words := _uniform(exact, actual)) is not None:
            return words
        if (words := _nearly(exact, actual)) is not None:
            return words
    if (words := _mirrored(exact, actual)) is not None:
        return words
    if not bool(bad.all()) and (words := _axes(bad)) is not None:
        return words
    return _permuted(exact, actual) or _scattered(bad)


def _uniform(exact: Tensor, actual: Tensor) -> str | None:
    """Everything zero, the same, off by one factor or by one summand."""
    usable = exact.isfinite() & actual.isfinite()
    elsewhere = (exact == actual) | (exact.isnan() & actual.isnan())
    if int(usable.sum()) < 2 or not bool((usable | elsewhere).all()):
        return None
    right, yours = exact[usable], actual[usable]
    if bool((actual == 0).all()):
        return text("grading.where.zeros")
    if float(yours.max() - yours.min()) == 0.0 and float(right.max() - right.min()) > 0.0:
        return text("grading.where.constant", value=f"{float(yours[0]):.4g}")
    large = right.abs() > 1e-3 * right.abs().max()
    quotient = yours[large] / right[large]
    middle = float(quotient.median())
    if int(large.sum()) > 1 and float((quotient - middle).abs().max()) <= SAME * abs(middle):
        if abs(middle + 1) < SAME:
            return text("grading.where.sign")
        if abs(middle - 1) > SAME and middle != 0:
            return text("grading.where.factor", factor=_named(middle))
    difference = yours - right
    offset = float(difference.median())
    if abs(offset) > 0 and float((difference - offset).abs().max()) <= SAME * abs(offset):
        return text("grading.where.offset", offset=f"{offset:.4g}")
    return None


def _named(factor: float) -> str:
    """The factor with a name where it is a small integer, its root, or the inverse of one: `2.828 = √8`."""
    shown = f"{factor:.4g}"
    if shown.lstrip("-").isdigit():
        return shown
    for n in range(2, 1025):
        for value, name in ((n, f"{n}"), (math.sqrt(n), f"√{n}"), (1 / n, f"1/{n}"), (1 / math.sqrt(n), f"1/√{n}")):
            if abs(abs(factor) - value) <= 5e-5 * value:
                return f"{shown} = {'−' if factor < 0 else ''}{name}"
    return shown


def _nearly(exact: Tensor, actual: Tensor) -> str | None:
    """Every number right but for its last digits: places say nothing."""
    off = (actual - exact).abs()
    if not bool((off <= SAME_NUMBER * exact.abs()).all()):
        return None
    return text("grading.where.nearly", part=f"{float((off / exact.abs()).nan_to_num().max()):.2g}")


def _axes(bad: Tensor) -> str | None:
    """Where the wrong elements lie along one axis; the axis that says most."""
    best: tuple[float, str] | None = None
    for axis in range(bad.dim()):
        size = bad.shape[axis]
        if size < 2:
            continue
        others = [a for a in range(bad.dim()) if a != axis]
        hit = bad.amax(others) if others else bad
        indices = hit.nonzero().flatten().tolist()
        if len(indices) == size:
            continue
        words = _indices(indices, size, _axis_name(axis, bad.dim()))
        score = len(indices) / size
        if words is not None and (best is None or score < best[0]):
            best = score, words
    return best and best[1]


def _scattered(bad: Tensor) -> str | None:
    share = int(bad.sum()) / bad.numel()
    return text("grading.where.scattered", percent=f"{100 * share:.0f}") if share < 0.9 else None


def _axis_name(axis: int, dims: int) -> str:
    if dims == 1:
        return text("grading.where.elements")
    if axis == dims - 1:
        return text("grading.where.columns")
    if axis == dims - 2:
        return text("grading.where.rows")
    return text("grading.where.along", axis=axis)


def _indices(indices: list[int], size: int, axis: str) -> str | None:
    first, last = indices[0], indices[-1]
    contiguous = last - first + 1 == len(indices)
    if contiguous and first == 1 and last == size - 1:
        return text("grading.where.all_but_first", axis=axis)
    if contiguous and last == size - 1:
        if len(indices) == 1:
            return text("grading.where.last_one", axis=axis)
        return text("grading.where.last", axis=axis, count=len(indices))
    if contiguous and first == 0:
        if len(indices) == 1:
            return text("grading.where.first_one", axis=axis)
        return text("grading.where.first", axis=axis, count=len(indices))
    if len(indices) > 2 and indices == list(range(first, size, indices[1] - first)):
        return text("grading.where.every", axis=axis, step=indices[1] - first, first=first)
    if len(indices) > max(8, size / 2):
        return None  # no pattern, only a few that happen to be right
    shown = ", ".join(map(str, indices[:8])) + (", …" if len(indices) > 8 else "")
    return text("grading.where.only", axis=axis, indices=shown)


def _mirrored(exact: Tensor, actual: Tensor) -> str | None:
    """The right answer transposed or reversed."""
    close = _close(exact, actual)
    if close is None:
        return None
    if exact.dim() >= 2 and exact.shape[-1] == exact.shape[-2] and float((exact.mT - actual).abs().max()) <= close:
        return text("grading.where.transposed")
    for axis in range(exact.dim()):
        if exact.shape[axis] > 1 and float((torch.flip(exact, [axis]) - actual).abs().max()) <= close:
            return text("grading.where.flipped", axis=_axis_name(axis, exact.dim()))
    return None


def _permuted(exact: Tensor, actual: Tensor) -> str | None:
    """The right numbers in the wrong places."""
    if _close(exact, actual) is None:
        return None
    right, found = exact.flatten().sort().values, actual.flatten().sort().values
    if not bool(((right - found).abs() <= SAME_NUMBER * right.abs()).all()):  # each by its own size
        return None
    return text("grading.where.permuted")


def _close(exact: Tensor, actual: Tensor) -> float | None:
    """How near numbers are that count as the same, None where places say nothing."""
    if not exact.is_floating_point() or exact.numel() < 3 or not bool(exact.isfinite().all() & actual.isfinite().all()):
        return None
    return 1e-4 * float(exact.abs().max())
