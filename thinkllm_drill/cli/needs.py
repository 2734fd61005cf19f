"""What to say where an exercise needs more than there is."""

from __future__ import annotations

from collections.abc import Iterable

from thinkllm_drill.locale import text

INSTALL = "pip install -c constraints.txt '.[kernels]'"
"""As the README has it, in the checkout."""


def warning(packages: Iterable[str]) -> str:
    """What to tell of an exercise that cannot be graded here, and how it could."""
    return text("cli.needs.missing", packages=", ".join(packages), command=INSTALL)
