"""The same values in other memory layouts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

LAYOUTS = ("strided", "offset", "expanded")


def laid_out(inputs: dict[str, Any], dtype: str, layout: str = "") -> dict[str, Any]:
    """The inputs with float tensors rounded to `dtype` and put into `layout`.

    "strided": every other element of a larger tensor; "offset": the middle of a larger storage; "expanded": the first
    size made by `expand` where all its entries may be equal (this changes values, for every implementation alike).
    """
    target = getattr(torch, dtype)
    ready = {name: _mapped(value, target, layout) for name, value in inputs.items()}
    return ready


def _mapped(value: Any, dtype: torch.dtype, layout: str) -> Any:
    if isinstance(value, Tensor):
        if value.is_floating_point():
            value = value.to(dtype)
        return _placed(value, layout) if value.is_floating_point() and value.dim() else value
    if type(value) in (list, tuple):
        return type(value)(_mapped(item, dtype, layout) for item in value)
    return value


def _placed(tensor: Tensor, layout: str) -> Tensor:
    match layout:
        case "strided":
            wide = torch.full((*tensor.shape[:-1], 2 * tensor.shape[-1]), 7.0, dtype=tensor.dtype)
            wide[..., ::2] = tensor
            return wide[..., ::2]
        case "offset":
            padded = torch.full((tensor.numel() + 6,), 7.0, dtype=tensor.dtype)
            padded[3:-3] = tensor.flatten()
            return padded[3:-3].view(tensor.shape)
        case "expanded":
            return tensor[:1].expand(tensor.shape) if tensor.dim() > 1 and tensor.shape[0] else tensor
    return tensor
