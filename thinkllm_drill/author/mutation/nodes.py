"""What the operators ask of syntax nodes, and how they build new ones."""

from __future__ import annotations

import ast
from collections.abc import Sequence

Number = int | float


def number(node: ast.AST | None) -> Number | None:
    """The value of a number with its sign; None if node is none."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = number(node.operand) if isinstance(node.operand, ast.Constant) else None
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return node.value
    return None


def integer(node: ast.AST | None) -> int | None:
    """The value of a whole number with its sign; None if node is none."""
    value = number(node)
    return value if isinstance(value, int) else None


def literal(value: Number) -> ast.expr:
    """A number as it is written."""
    if value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def name(dotted: str) -> ast.expr:
    """A name, or an attribute of one: `torch.inf`."""
    expression = ast.parse(dotted, mode="eval").body
    for node in ast.walk(expression):
        if isinstance(node, ast.expr):  # only what stands in the source has a place there
            del node.lineno, node.col_offset, node.end_lineno, node.end_col_offset
    return expression


def binary(left: ast.expr, op: ast.operator, right: ast.expr) -> ast.BinOp:
    """An expression of two operands."""
    return ast.BinOp(left, op, right)


def shifted(node: ast.expr, by: int) -> ast.expr:
    """node + by, worked out where node is a number."""
    value = number(node)
    if value is not None:
        return literal(value + by)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)) and (last := integer(node.right)):
        by += last if isinstance(node.op, ast.Add) else -last
        node = node.left
    if by == 0:
        return node
    return ast.BinOp(node, ast.Add() if by > 0 else ast.Sub(), ast.Constant(abs(by)))


def called(node: ast.AST | None) -> str:
    """The last name of what is called: "sum" of `x.sum()` and of `torch.sum(x)`; empty if node is no such call."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def keyword(call: ast.Call, *names: str) -> ast.keyword | None:
    """The first keyword argument of a call with one of these names."""
    return next((given for given in call.keywords if given.arg in names), None)


def recalled(
    call: ast.Call,
    *,
    func: ast.expr | None = None,
    args: Sequence[ast.expr] | None = None,
    keywords: Sequence[ast.keyword] | None = None,
) -> ast.Call:
    """A call with some of its parts exchanged."""
    return ast.Call(
        func or call.func,
        list(call.args if args is None else args),
        list(call.keywords if keywords is None else keywords),
    )


def renamed(call: ast.Call, new: str) -> ast.expr:
    """What a call calls, by another last name."""
    return ast.Attribute(call.func.value, new) if isinstance(call.func, ast.Attribute) else ast.Name(new)


def without(call: ast.Call, *names: str) -> ast.Call:
    """A call without its keyword arguments of these names."""
    return recalled(call, keywords=[given for given in call.keywords if given.arg not in names])


def root(node: ast.AST) -> str:
    """The first name of a dotted name: "torch" of `torch.nn.functional`; empty if node is no such thing."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def swapped(items: Sequence[ast.expr], first: int, second: int) -> list[ast.expr]:
    """items with two of them in each other's place."""
    result = list(items)
    result[first], result[second] = result[second], result[first]
    return result
