"""The operators of the mutator, by name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from thinkllm_drill.author.mutation import calls, flow, indexing, tensors, values
from thinkllm_drill.author.mutation.code import Change, Code

Operator = Callable[[Code, ast.AST], Iterator[Change]]
"""The changes of one kind that it makes at a node; the nodes that it changes are that one or lie in it."""

OPERATORS: dict[str, Operator] = {
    "dim": tensors.dimensions,
    "layout": tensors.layouts,
    "reduction": tensors.reductions,
    "mask": tensors.masks,
    "clamp": tensors.clamps,
    "dtype": tensors.dtypes,
    "gradient": tensors.gradients,
    "einsum": tensors.einsums,
    "kernel": calls.kernels,
    "function": calls.functions,
    "argument": calls.arguments,
    "order": calls.orders,
    "tuple": calls.tuples,
    "copy": calls.copies,
    "statement": flow.statements,
    "condition": flow.conditions,
    "augmented": flow.augmented,
    "exception": flow.exceptions,
    "default": flow.defaults,
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
