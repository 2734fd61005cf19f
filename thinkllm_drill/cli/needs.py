"""What an exercise needs beyond torch, and whether this machine has it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from thinkllm_drill.locale import text

INSTALL = 'pip install "thinkllm-drill[kernels]"'


def missing(needs: Iterable[str]) -> list[str]:
    """The packages among `needs` that are not installed; none is imported."""
    return [name for name in needs if find_spec(name) is None]


def warning(packages: Iterable[str]) -> str:
    """What to tell of an exercise that cannot be graded here, and how it could."""
    return text("cli.needs.missing", packages=", ".join(packages), command=INSTALL)
