"""Indices, slices and ranges."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from thinkllm_drill.author.mutation.code import Change, Code
from thinkllm_drill.author.mutation.nodes import called, integer, literal, number, recalled, root, shifted
from thinkllm_drill.author.mutation.slots import RANGES

_COUNTERS = frozenset({"i", "j", "k", "t", "n", "idx", "index", "step", "pos"})


def indices(code: Code, node: ast.AST) -> Iterator[Change]:
    """The first for the last element, or a neighbour."""
    if not isinstance(node, ast.Subscript) or isinstance(node.slice, (ast.Slice, ast.Tuple)):
        return
    value = integer(node.slice)
    if value is not None:
        for other in {0: (-1, 1), -1: (0, -2)}.get(value, (value - 1, value + 1)):
            yield node.slice, literal(other)
    elif isinstance(node.slice, ast.Name) and node.slice.id in _COUNTERS:
        yield node.slice, shifted(node.slice, -1)


def slices(code: Code, node: ast.AST) -> Iterator[Change]:
    """A bound moved by one, dropped or added; the step dropped."""
    if not isinstance(node, ast.Slice):
        return
    lower, upper, step = node.lower, node.upper, node.step
    if lower is not None:
        yield node, ast.Slice(None, upper, step)
        for by in (1, -1):
            if number(lower) is None or number(lower) + by:  # type: ignore[operator]
                yield lower, shifted(lower, by)
        if upper is None and step is None:
            yield node, ast.Slice(lower, literal(-1))
            yield node, ast.Slice(None, lower)
    if upper is not None:
        yield node, ast.Slice(lower, None, step)
        for by in (1, -1):
            if number(upper) is None or number(upper) + by:  # type: ignore[operator]
                yield upper, shifted(upper, by)
        if lower is None and step is None:
            yield node, ast.Slice(literal(1), upper)
            yield node, ast.Slice(upper, None)
    if step is not None:
        yield node, ast.Slice(lower, upper)
    if lower is upper is step is None and isinstance(code.parents[node], ast.Subscript):
        whole = code.parents[node]
        if isinstance(whole, ast.Subscript) and isinstance(whole.ctx, ast.Load):
            yield whole, whole.value


def ranges(code: Code, node: ast.AST) -> Iterator[Change]:
    """A bound of a range moved by one, its step halved or doubled; a counter that starts at one."""
    if not isinstance(node, ast.Call) or root(node.func) == "tl":
        return
    if called(node) == "enumerate" and len(node.args) == 1 and not node.keywords:
        yield node, recalled(node, args=[node.args[0], ast.Constant(1)])
    if called(node) not in RANGES or not node.args:
        return
    if len(node.args) == 1:
        yield node, recalled(node, args=[ast.Constant(1), node.args[0]])
        yield node.args[0], shifted(node.args[0], -1)
        yield node.args[0], shifted(node.args[0], 1)
        return
    for bound in node.args[:2]:
        yield bound, shifted(bound, 1)
        yield bound, shifted(bound, -1)
    for step in node.args[2:]:
        value = integer(step)
        if value is not None:
            yield step, literal(value + 1)
            yield step, literal(value - 1 or -value)
        else:
            yield step, ast.BinOp(step, ast.FloorDiv(), ast.Constant(2))
            yield step, ast.BinOp(step, ast.Mult(), ast.Constant(2))
