"""Mutants of a reference: every one a module with one small change, which the exercise's grader should reject."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from thinkllm_drill.author.mutation.code import Code
from thinkllm_drill.author.mutation.operators import OPERATORS

__all__ = ["OPERATORS", "Mutant", "mutants"]


@dataclass(frozen=True)
class Mutant:
    """A reference with one small change."""

    id: str
    """Readable, unique in the exercise, and the same after edits elsewhere in the file."""
    operator: str
    line: int
    """In the committed reference, region markers counted."""
    was: str
    """The smallest changed piece, on one line."""
    now: str
    source: str
    """The whole module, without region markers."""


def mutants(reference: str) -> tuple[Mutant, ...]:
    """The mutants of a reference, in the order of its text; no two are the same program, and none is the reference.

    Args:
        reference: the committed text, region markers and all.
    Raises:
        ContentError: it is not Python, or a marker is wrong.
    """
    code = Code(reference)
    seen: set[tuple[int, str]] = set()
    times: Counter[str] = Counter()
    found: list[Mutant] = []
    for node in code.nodes():
        for operator, changes in OPERATORS.items():
            for old, new in changes(code, node):
                changed = code.changed(old, new)
                if changed is None or changed.key in seen:
                    continue
                seen.add(changed.key)
                parts = "\0".join((code.header(old), changed.was, changed.now))
                label = f"{code.path(old)}/{operator}/{hashlib.sha256(parts.encode()).hexdigest()[:8]}"
                times[label] += 1
                if times[label] > 1:
                    label += f"-{times[label]}"
                found.append(Mutant(label, operator, code.line(old), changed.was, changed.now, changed.source))
    return tuple(found)
