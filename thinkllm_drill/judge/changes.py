"""Which arguments of a call are not what they were: told by their contents, bit for bit where they are numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thinkllm_drill.judge.wire import as_record


def changed_arguments(request: Mapping[str, Any], reply: Mapping[str, Any]) -> list[str]:
    """Names of the arguments (positions for positional ones) whose contents differ after the call.

    Generators of the judge are advanced to the state that the attempt left them in.
    """
    before = {str(index): value for index, value in enumerate(request["args"])} | dict(request["kwargs"])
    after = {str(index): value for index, value in enumerate(reply["args"])} | dict(reply["kwargs"])
    changed = []
    for name, value in before.items():
        if isinstance(value, torch.Generator):
            value.set_state(after[name].get_state())
        elif not _same(value, after.get(name)):
            changed.append(name)
    return changed


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
