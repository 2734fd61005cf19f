"""Whether places of an output are right: compared with plain torch on the same inputs, in units of rounding.

The truth is computed in float32 where the inputs are in half precision, in float64 where they are in float32 and there
is memory for it. What the reference itself loses in the dtype of the inputs is allowed four times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from thinkllm_drill.gpu.player import output_leaves
from thinkllm_drill.locale import text

UNITS = {torch.float64: 2.0**-53, torch.float32: 2.0**-24, torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}
SAME_DTYPE = 4.0
LARGEST_SHARE = 0.125


def wrong(
    expected: Callable[..., Any],
    inputs: Mapping[str, Any],
    samples: list[Tensor],
    picks: Tensor,
    factor: float,
    mutates: Sequence[str] = (),
) -> str | None:
    """What is wrong with the samples of an output, None if nothing is.

    Args:
        expected: plain torch.
        inputs: what the call was given.
        samples: elements of each tensor of its output.
        picks: their places, modulo the size of each.
        factor: roundoffs that an element may be off, by the largest of its row.
        mutates: inputs that hold output, too.
    """
    with torch.no_grad():
        same = _outputs(expected, {name: tree_map(_clone, value) for name, value in inputs.items()}, mutates)
        exact = _exact(expected, inputs, same, mutates)
        if len(samples) != len(same):
            return text("gpu.count", actual=len(samples), expected=len(same))
        for index, (found, ours, right) in enumerate(zip(samples, same, exact, strict=True)):
            if type(found) is not Tensor or found.dtype != ours.dtype or found.numel() != picks.numel():
                actual = str(getattr(found, "dtype", type(found).__name__)).removeprefix("torch.")
                wanted = str(ours.dtype).removeprefix("torch.")
                return text("gpu.shape", index=index, actual=actual, expected=wanted)
            problem = _off(found.to(ours.device), ours, right, picks % ours.numel(), factor)
            if problem is not None:
                return problem
    return None


def _outputs(expected: Callable[..., Any], inputs: dict[str, Any], mutates: Sequence[str]) -> list[Tensor]:
    leaves = output_leaves(expected(**inputs), inputs, mutates)
    return [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.numel()]


def _clone(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _exact(
    expected: Callable[..., Any], inputs: Mapping[str, Any], same: list[Tensor], mutates: Sequence[str]
) -> list[Tensor]:
    """The truth in a wider dtype; what is there already where memory does not suffice."""
    try:
        return _outputs(expected, {name: tree_map(_wider, value) for name, value in inputs.items()}, mutates)
    except torch.OutOfMemoryError:
        return same


def _wider(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point():
        wide = torch.float64 if value.dtype == torch.float32 else torch.float32
        return value.to(wide, copy=True)
    return _clone(value)


def _off(found: Tensor, same: Tensor, exact: Tensor, places: Tensor, factor: float) -> str | None:
    right = torch.take(exact, places)
    if not same.is_floating_point():
        equal = found == right
        return None if bool(equal.all()) else _told(found, right, int((~equal).int().argmax()), None)
    unit = UNITS[same.dtype]
    rows = exact.abs().nan_to_num(0.0, 0.0, 0.0)
    scale = rows.amax(-1, keepdim=True) if rows.dim() else rows
    loss = (same.to(exact.dtype) - exact).abs().nan_to_num(0.0, 0.0, 0.0)
    loss = loss.amax(-1, keepdim=True) if loss.dim() else loss
    allowed = torch.maximum(min(factor * unit, LARGEST_SHARE) * scale, SAME_DTYPE * loss)
    allowed = torch.take(allowed.expand(exact.shape), places).double()
    right, found = right.double(), found.double()
    error = (found - right).abs()
    alike = (found == right) | (found.isnan() & right.isnan()) | (error <= allowed)
    if bool(alike.all()):
        return None
    ratio = torch.where(alike, 0.0, torch.where(error.isfinite(), error / allowed, torch.inf))
    worst = int(ratio.argmax())
    return _told(found, right, worst, float(ratio[worst]))


def _told(found: Tensor, right: Tensor, index: int, ratio: float | None) -> str:
    times = "∞" if ratio is None or ratio == float("inf") else f"{ratio:.1f}"
    values = {"actual": f"{found[index].item():.6g}", "expected": f"{right[index].item():.6g}"}
    return text("gpu.off", times=times, **values)
