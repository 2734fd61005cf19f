"""Which arguments of a call are not what they were: told by their contents, bit for bit where they are numbers."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thinkllm_drill.judge.wire import as_record


def changed_arguments(request: Mapping[str, Any], reply: Mapping[str, Any]) -> list[str]:
    """Names of the arguments (positions for positional ones) whose contents differ after the call.

    Generators of the judge are advanced to the state that the attempt left them in.
    """
    after = dict(reply["changed"])
    changed = []
    for name, value in given(request).items():
        if isinstance(value, torch.Generator):
            value.set_state(after[name].get_state())
        elif name in after and not _same(value, after[name]):
            changed.append(name)
    return changed + [
        str(name) for name, (was, now) in dict(reply.get("overwritten", {})).items() if not _same(was, now)
    ]


class Outputs:
    """The tensors that a call returned, watched during its backward pass."""

    def __init__(self) -> None:
        self._watched: list[tuple[Tensor, Tensor]] = []

    def watch(self, tensors: list[Tensor]) -> None:
        """These are they; none is to be changed from now on."""
        self._watched = [(tensor.clone(), tensor) for tensor in tensors]

    def changed(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Those that have been, by position: what they were and what they are."""
        return {f"outputs[{index}]": pair for index, pair in enumerate(self._watched) if not _same(*pair)}


def given(request: Mapping[str, Any]) -> dict[str, Any]:
    """Whatever the attempt is given with a request, by name: its arguments, and the gradients of its outputs."""
    gradients = (request.get("cotangents") or {}).items()
    incoming = {f"grad_outputs[{index}]": gradient for index, gradient in gradients}
    return named(request.get("args", ()), request["kwargs"]) | incoming


def named(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by name, positional ones by position."""
    return {str(index): value for index, value in enumerate(args)} | dict(kwargs)


def copied(value: Any) -> Any:
    """A copy of plain data that nothing can change, to be given to `is_as_copied`."""
    kind = type(value)
    if kind in _UNCHANGING:
        return value
    if kind is Tensor or kind is torch.nn.Parameter:
        return value.detach().clone()
    if kind is np.ndarray:
        return value.copy()
    if kind is list or kind is tuple:
        return kind(map(copied, value))
    if kind is dict:
        return {key: copied(item) for key, item in value.items()}
    return _UNKNOWN


def is_as_copied(before: Any, after: Any) -> bool:
    """Whether a value is what it was when it was copied; False also where that cannot be told."""
    if before is _UNKNOWN:
        return False
    if isinstance(before, list | tuple):
        return type(after) is type(before) and len(before) == len(after) and all(map(is_as_copied, before, after))
    if isinstance(before, dict):
        same_keys = type(after) is dict and list(before) == list(after)
        return same_keys and all(is_as_copied(item, after[key]) for key, item in before.items())
    return before is after or _same(before, after)


_UNKNOWN = object()
_UNCHANGING = {type(None), bool, int, float, str, bytes, torch.dtype, torch.device, types.FunctionType}


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, Tensor):
        same_form = isinstance(after, Tensor) and before.shape == after.shape and before.dtype == after.dtype
        return same_form and torch.equal(_bits(before), _bits(after))
    if isinstance(before, np.ndarray | np.generic):
        same_form = isinstance(after, np.ndarray | np.generic) and before.shape == after.shape
        return same_form and before.dtype == after.dtype and before.tobytes() == after.tobytes()
    if isinstance(before, list | tuple):
        return isinstance(after, list | tuple) and len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict):
        same_keys = isinstance(after, dict) and list(before) == list(after)
        return same_keys and all(_same(before[key], after[key]) for key in before)
    if callable(before):  # objects of the attempt and functions of the grader are not copied
        return True
    if isinstance(before, float) and before != before:
        return isinstance(after, float) and after != after
    if (record := as_record(before)) is not None:
        other = as_record(after)
        return other is not None and _same(record._record[1], other._record[1])
    return bool(before == after)


def _bits(tensor: Tensor) -> Tensor:
    whole = tensor.detach().resolve_conj().resolve_neg().contiguous()
    # one element counts as contiguous whatever its stride, but only a stride of 1 can be viewed as bytes
    return whole.as_strided((whole.numel(),), (1,)).view(torch.uint8)
