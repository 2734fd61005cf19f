"""Triton kernels in a runner without a GPU: interpreted, and their launches counted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any


@dataclass
class Launches:
    """How many kernels were launched in this process."""

    count: int = 0


launches = Launches()


def interpret() -> None:
    """Import Triton with its interpreter switched on; must come before anything else imports it."""
    os.environ["TRITON_INTERPRET"] = "1"
    from triton.runtime import interpreter

    original = interpreter.GridExecutor.__call__

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        launches.count += 1
        return original(self, *args, **kwargs)

    interpreter.GridExecutor.__call__ = counted
