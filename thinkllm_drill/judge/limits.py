"""What one runner may use, and how it is told what it used up.

Time is the judge's wall clock; memory is RLIMIT_AS where the system enforces it (Linux).
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

MEMORY_BYTES = 2 << 30
FILE_BYTES = 64 << 20
SCRATCH_BYTES = 256 << 20
SCRATCH_FILES = 4096
OUTPUT_BYTES = 1 << 20
CALL_SECONDS = 10.0
VERDICT_SECONDS = 120.0


@dataclass(frozen=True)
class Limits:
    """Seconds a call, seconds the whole verdict, bytes of memory beyond the start, bytes of printed output."""

    call_seconds: float = CALL_SECONDS
    verdict_seconds: float = VERDICT_SECONDS
    memory_bytes: int = MEMORY_BYTES
    output_bytes: int = OUTPUT_BYTES


def apply(memory_bytes: int) -> bool:
    """Limit this process; whether memory is limited by the system."""
    try:
        import resource
    except ImportError:  # Windows
        return False
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    size = _virtual_bytes()
    if size is None:
        return False
    try:
        resource.setrlimit(resource.RLIMIT_AS, (size + memory_bytes, size + memory_bytes))
    except (ValueError, OSError):
        return False
    return True


def _virtual_bytes() -> int | None:
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  (called in a fork, kept free of imports)
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
