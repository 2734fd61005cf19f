"""What is installed beside us."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec


def missing(names: Iterable[str]) -> list[str]:
    """The packages among `names` that are not installed; none is imported."""
    return [name for name in names if find_spec(name) is None]
