"""The values of a function's local variables as it returns: what a learner's own names held."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Iterator
from types import FrameType
from typing import Any

import torch


@contextlib.contextmanager
def collected(names: Collection[str], filenames: Collection[str | None]) -> Iterator[dict[str, torch.Tensor]]:
    """A dictionary that fills with the tensors that functions of these files held under these names.

    Of a name that several functions or calls held, the last value stays.
    """
    found: dict[str, torch.Tensor] = {}
    if not names:
        yield found
        return

    def look(frame: FrameType, event: str, arg: Any) -> None:
        if event == "return" and frame.f_code.co_filename in filenames:
            variables = frame.f_locals
            for name in names:
                if isinstance(value := variables.get(name), torch.Tensor):
                    found[name] = value.detach().clone()

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(before)
