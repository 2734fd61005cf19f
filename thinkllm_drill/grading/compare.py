"""When two answers are the same: structure strictly, numbers in units of rounding.

An error is measured against max(c · u · scale, 4 · err_same_dtype, 16 · jitter): u is the unit roundoff of the answer's
dtype, scale the largest true value of the row (for gradients of the tensor), err_same_dtype the reference's own error
in that dtype, jitter how much the truth moves when its inputs move by one roundoff. Never a bare absolute tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from thinkllm_drill.grading.observe import Outcome
from thinkllm_drill.judge.remote import Raised, RemoteObject
from thinkllm_drill.judge.wire import Record
from thinkllm_drill.locale import text

UNITS = {torch.float64: 2.0**-53, torch.float32: 2.0**-24, torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}
SAME_DTYPE_FACTOR = 4.0
JITTER_FACTOR = 16.0
LARGEST_SHARE = 0.125
"""Of the scale, what a long reduction in half precision may lose: zeros and constants are never right."""


@dataclass(frozen=True)
class Tolerance:
    """How far an answer may be off.

    `factor` is c; `per` says over what the scale is taken; `float_unit` is the roundoff of plain Python floats.
    """

    factor: float = 16.0
    per: Literal["row", "tensor"] = "row"
    float_unit: float = 2.0**-24

    @classmethod
    def of(
        cls, reduction: int | None, *, elementwise: bool = False, per: Literal["row", "tensor"] = "row"
    ) -> Tolerance:
        """c = 4 for elementwise work, max(16, 2·√R) for sums of R terms."""
        if elementwise and reduction is None:
            return cls(4.0, per)
        return cls(max(16.0, 2.0 * math.sqrt(reduction or 1)), per)


@dataclass(frozen=True)
class Mismatch:
    """The first place where an answer is not right.

    `kind` is "contract" for structure, "wrong" for values. `expected` and `actual` are the leaves, `bad` marks the
    wrong elements of tensors, `ratio` is the worst error over its threshold.
    """

    kind: Literal["contract", "wrong"]
    message: str
    label: str = ""
    path: str = ""
    expected: Any = None
    actual: Any = None
    bad: Tensor | None = None
    ratio: float = math.inf


@dataclass(frozen=True)
class Truth:
    """What the reference shows: exactly, in the case's dtype, and under inputs moved by one roundoff."""

    exact: Outcome
    same: Outcome
    jittered: tuple[Outcome, ...] = ()

    def part(self, index: int) -> Truth:
        """The truth of one observation."""
        return Truth(self.exact.part(index), self.same.part(index), tuple(moved.part(index) for moved in self.jittered))


def compare(
    truth: Truth,
    actual: Outcome,
    tolerance: Tolerance,
    *,
    structure_only: bool = False,
    margins: list[float] | None = None,
) -> Mismatch | None:
    """The first mismatch of an attempt's outcome with the truth, None if it is right.

    `margins` takes, for each tensor or number that is right, its largest error as a part of what is allowed.
    """
    expected = truth.exact.observations
    for index, (label, exact) in enumerate(expected):
        if index >= len(actual.observations):
            return Mismatch("wrong", text("grading.ended_early", label=label or index + 1), label, expected=exact)
        same = truth.same.observations[index][1] if index < len(truth.same.observations) else exact
        jittered = [o.observations[index][1] for o in truth.jittered if index < len(o.observations)]
        comparison = _Comparison(label, tolerance, structure_only, margins)
        actual_label, value = actual.observations[index]
        found = comparison.run("", exact, same, jittered, value)
        if found is None and actual_label != label:
            found = Mismatch("wrong", text("grading.value"), "", expected=label, actual=actual_label)
        if found is not None:
            return found
    if len(actual.observations) > len(expected):
        label, value = actual.observations[len(expected)]
        return Mismatch("wrong", text("grading.goes_on"), label, actual=value)
    return None


@dataclass(frozen=True)
class _Comparison:
    label: str
    tolerance: Tolerance
    structure_only: bool
    margins: list[float] | None = None

    def run(self, path: str, exact: Any, same: Any, jittered: Sequence[Any], actual: Any) -> Mismatch | None:
        if isinstance(exact, Raised) or isinstance(actual, Raised):
            return self._raised(path, exact, actual)
        if not _alike(exact, same):  # rounding decides what the reference shows: the inputs are to be drawn again
            return self._mismatch("wrong", path, text("grading.value"), exact, actual)
        jittered = [moved for moved in jittered if _alike(exact, moved)]
        if isinstance(same, Tensor):
            return self._tensor(path, exact, same, jittered, actual)
        if isinstance(same, np.ndarray | np.generic):
            return self._array(path, exact, same, jittered, actual)
        if type_name(actual) != type_name(same):
            message = text("grading.type", expected=type_name(same), actual=type_name(actual))
            return self._mismatch("contract", path, message, same, actual)
        if isinstance(same, RemoteObject):
            return None
        if isinstance(same, Record):
            return self._record(path, exact, same, jittered, actual)
        if isinstance(same, list | tuple):
            return self._sequence(path, exact, same, jittered, actual)
        if isinstance(same, dict):
            return self._dict(path, exact, same, jittered, actual)
        if isinstance(same, float):
            return self._float(path, exact, same, jittered, actual)
        right = same if isinstance(same, torch.dtype) else exact
        if self.structure_only or (actual == right and _types(actual) == _types(right)):
            return None
        return self._mismatch("wrong", path, text("grading.value"), exact, actual)

    def _mismatch(self, kind: Any, path: str, message: str, expected: Any, actual: Any, **more: Any) -> Mismatch:
        return Mismatch(kind, message, self.label, path, expected, actual, **more)

    def _raised(self, path: str, exact: Any, actual: Any) -> Mismatch | None:
        if isinstance(exact, Raised) and isinstance(actual, Raised):
            if exact.type_name in actual.bases:
                return None
            message = text("grading.other_exception", expected=exact.type_name, actual=actual.type_name)
        elif isinstance(exact, Raised):
            message = text("grading.should_raise", expected=exact.type_name)
        else:
            message = text("grading.should_not_raise", actual=actual.type_name)
        return self._mismatch("wrong", path, message, exact, actual)

    def _sequence(self, path: str, exact: Any, same: Any, jittered: Sequence[Any], actual: Any) -> Mismatch | None:
        if len(actual) != len(exact):
            kind = "contract" if isinstance(same, tuple) else "wrong"
            message = text("grading.length", expected=len(exact), actual=len(actual))
            if kind == "wrong" and self.structure_only:
                return None
            return self._mismatch(kind, path, message, same, actual)
        for index in range(len(exact)):
            moved = [j[index] for j in jittered]
            found = self.run(f"{path}[{index}]", exact[index], same[index], moved, actual[index])
            if found is not None:
                return found
        return None

    def _dict(self, path: str, exact: Any, same: Any, jittered: Sequence[Any], actual: Any) -> Mismatch | None:
        if _types(actual) != _types(exact):
            message = text("grading.keys", expected=_keys(exact), actual=_keys(actual))
            kind = "contract" if all(isinstance(key, str) for key in exact) else "wrong"
            return self._mismatch(kind, path, message, same, actual)
        for key in exact:
            moved = [j[key] for j in jittered]
            found = self.run(f"{path}[{key!r}]", exact[key], same[key], moved, actual[key])
            if found is not None:
                return found
        return None

    def _record(
        self, path: str, exact: Record, same: Record, jittered: Sequence[Any], actual: Record
    ) -> Mismatch | None:
        fields, mine, other = exact._record[1], same._record[1], actual._record[1]
        if list(fields) != list(other):
            message = text("grading.fields", expected=", ".join(fields), actual=", ".join(other))
            return self._mismatch("contract", path, message, same, actual)
        for name in fields:
            moved = [j._record[1][name] for j in jittered]
            found = self.run(f"{path}.{name}", fields[name], mine[name], moved, other[name])
            if found is not None:
                return found
        return None

    def _float(self, path: str, exact: float, same: float, jittered: Sequence[float], actual: float) -> Mismatch | None:
        wide = torch.tensor(float(exact), dtype=torch.float64)
        moved = [torch.tensor(float(j), dtype=torch.float64) for j in jittered]
        mine = torch.tensor(float(same), dtype=torch.float64)
        found = self._numbers(
            path, wide, mine, moved, torch.tensor(actual, dtype=torch.float64), self.tolerance.float_unit
        )
        return found and self._mismatch("wrong", path, found.message, exact, actual, ratio=found.ratio)

    def _array(self, path: str, exact: Any, same: Any, jittered: Sequence[Any], actual: Any) -> Mismatch | None:
        if type_name(actual) != type_name(same):
            message = text("grading.type", expected=type_name(same), actual=type_name(actual))
            return self._mismatch("contract", path, message, exact, actual)
        wide, mine, other = (torch.from_numpy(np.array(value)) for value in (exact, same, actual))
        return self._tensor(path, wide, mine, [torch.from_numpy(np.array(j)) for j in jittered], other)

    def _tensor(self, path: str, exact: Tensor, same: Tensor, jittered: Sequence[Any], actual: Any) -> Mismatch | None:
        if not isinstance(actual, Tensor):
            message = text("grading.type", expected="Tensor", actual=type_name(actual))
            return self._mismatch("contract", path, message, same, actual)
        if actual.shape != same.shape:
            message = text("grading.shape", expected=tuple(same.shape), actual=tuple(actual.shape))
            return self._mismatch("contract", path, message, same, actual)
        if actual.dtype != same.dtype:
            message = text("grading.dtype", expected=_dtype(same.dtype), actual=_dtype(actual.dtype))
            return self._mismatch("contract", path, message, same, actual)
        if self.structure_only or not actual.numel():
            return None
        if same.is_complex():
            flat = [_real(value) for value in (exact, same, *jittered, actual)]
            found = self._numbers(path, flat[0], flat[1], flat[2:-1], flat[-1], _unit(actual.dtype))
            if found is None or found.bad is None:
                return found
            return replace(found, expected=exact, actual=actual, bad=found.bad.reshape(*exact.shape, 2).any(-1))
        if not same.is_floating_point():
            bad = actual != exact
            if not bad.any():
                return None
            message = text("grading.elements", bad=int(bad.sum()), total=bad.numel())
            return self._mismatch("wrong", path, message, exact, actual, bad=bad)
        return self._numbers(path, exact, same, jittered, actual, _unit(actual.dtype))

    def _numbers(
        self, path: str, exact: Tensor, same: Tensor, jittered: Sequence[Tensor], actual: Tensor, unit: float
    ) -> Mismatch | None:
        exact, mine, wide = exact.double(), same.double(), actual.double()
        if torch.equal(exact, wide):
            return None
        if self.margins is None and torch.equal(mine, wide) and bool((exact - mine).isfinite().all()):
            return None  # what the reference itself answers in this dtype is within every threshold below
        finite = exact.isfinite()
        error = (wide - exact).abs()
        zero = torch.zeros((), dtype=torch.float64)
        beyond = exact.abs() > torch.finfo(same.dtype).max
        scale = self._largest(torch.where(finite & ~beyond, exact.abs(), zero))
        own = self._largest(torch.where(finite & mine.isfinite(), (mine - exact).abs(), zero))
        jitter = zero
        for moved in jittered:
            jitter = torch.maximum(jitter, self._largest((moved.double() - exact).abs().nan_to_num(0.0, 0.0, 0.0)))
        threshold = torch.maximum(
            min(self.tolerance.factor * unit, LARGEST_SHARE) * scale,
            torch.maximum(SAME_DTYPE_FACTOR * own, JITTER_FACTOR * jitter),
        ).expand_as(exact)
        # written so that a NaN, which compares false with everything, is never right
        right = torch.where(finite, error <= threshold, (wide == exact) | (wide.isnan() & exact.isnan()))
        right |= beyond & mine.isinf() & (wide == mine)
        if bool(right.all()):
            if self.margins is not None:
                self.margins.append(_ratio(error, threshold, finite & (error > 0)))
            return None
        bad = ~right
        return self._mismatch(
            "wrong", path, _amount(exact, wide, bad), exact, actual, bad=bad, ratio=_ratio(error, threshold, bad)
        )

    def _largest(self, values: Tensor) -> Tensor:
        if values.dim() == 0 or self.tolerance.per == "tensor":
            return values.amax()
        return values.amax(-1, keepdim=True)


def _amount(exact: Tensor, wide: Tensor, bad: Tensor) -> str:
    count, total = int(bad.sum()), bad.numel()
    if bool(wide.isnan()[bad].any()) and not bool(exact.isnan()[bad].any()):
        return text("grading.nan", bad=int((wide.isnan() & bad).sum()), total=total)
    error = (wide - exact).abs()[bad]
    error = error[error.isfinite()]
    if not error.numel():
        return text("grading.not_finite", bad=count, total=total)
    largest = f"{float(error.max()):.3g}"
    if total == 1:
        return text("grading.number_off", error=largest)
    return text("grading.numbers_off", bad=count, total=total, error=largest)


def _ratio(error: Tensor, threshold: Tensor, bad: Tensor) -> float:
    ratio = (error / threshold)[bad]
    return float(ratio.nan_to_num(math.inf).max()) if ratio.numel() else 0.0


def type_name(value: Any) -> str:
    """What a value is called in a message: Tensor, list, ndarray, a record's own name."""
    if isinstance(value, Record):
        return str(value._record[0])
    if isinstance(value, RemoteObject):
        return str(value._opaque.type_name)
    if isinstance(value, Tensor):
        return "Tensor"
    if isinstance(value, np.generic):
        return f"numpy.{type(value).__name__}"
    return "None" if value is None else type(value).__name__


def _alike(exact: Any, same: Any) -> bool:
    """Whether the reference shows the same structure in fp64 and in the dtype of the case."""
    if isinstance(exact, Tensor | np.ndarray) and isinstance(same, Tensor | np.ndarray):
        return type_name(exact) == type_name(same) and exact.shape == same.shape
    if isinstance(exact, np.generic) and isinstance(same, np.generic):
        return True
    if type_name(exact) != type_name(same):
        return False
    if isinstance(exact, Record):
        return list(exact._record[1]) == list(same._record[1])
    if isinstance(exact, dict):
        return bool(exact.keys() == same.keys())
    return not isinstance(exact, list | tuple) or len(exact) == len(same)


def _types(values: Any) -> Any:
    """The members of a set or the keys of a dict with their types, which tell 1, 1.0 and True apart."""
    return {(type_name(value), value) for value in values} if isinstance(values, set | frozenset | dict) else None


def _real(values: Tensor) -> Tensor:
    """Real and imaginary parts side by side in the last dimension."""
    parts = torch.view_as_real(values.resolve_conj())
    return parts.flatten(-2) if parts.dim() > 1 else parts


def _unit(dtype: torch.dtype) -> float:
    return UNITS.get(dtype) or torch.finfo(dtype).eps / 2


def _dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _keys(mapping: dict[Any, Any]) -> str:
    shown = sorted(map(str, mapping))
    return ", ".join(shown[:12]) + (", …" if len(shown) > 12 else "")
