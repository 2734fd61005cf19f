"""The operators of the mutator, by name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from thinkllm_drill.author.mutation import indexing, values
from thinkllm_drill.author.mutation.code import Change, Code

Operator = Callable[[Code, ast.AST], Iterator[Change]]
"""The changes of one kind that it makes at a node; the nodes that it changes are that one or lie in it."""

OPERATORS: dict[str, Operator] = {
    "constant": values.constants,
    "arithmetic": values.arithmetic,
    "sign": values.signs,
    "comparison": values.comparisons,
    "logic": values.logic,
    "eps": values.epsilons,
    "name": values.names,
    "index": indexing.indices,
    "slice": indexing.slices,
    "range": indexing.ranges,
}
