"""Numbers, arithmetic, comparisons, logic and names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from thinkllm_drill.author.mutation.code import Change, Code
from thinkllm_drill.author.mutation.nodes import binary, called, literal, number, root, shifted
from thinkllm_drill.author.mutation.slots import SIZES, is_special

_ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
}
_ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_TIGHTER = {ast.Lt: -1, ast.LtE: 1, ast.Gt: 1, ast.GtE: -1}
"""How the right side moves so that the comparison is not the one that a swap of < and <= gives."""
_EPS = 1e-3


def constants(code: Code, node: ast.AST) -> Iterator[Change]:
    """0 ↔ 1, ±1, × 2, × ½, the sign; True ↔ False."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, ast.Constant(not node.value)
        return
    value = number(node)
    if value is None or is_special(code, node) or _is_fill(code, node):
        return
    if isinstance(value, int):
        others: tuple[int | float, ...] = (value + 1, value - 1)
        if abs(value) > 2:
            others = (*others, value * 2, -value)
    elif value == 0:
        others = (1.0, -1.0)
    else:
        others = (value * 2, value / 2, -value, 0.0)
    for other in others:
        yield node, literal(other)


def arithmetic(code: Code, node: ast.AST) -> Iterator[Change]:
    """Another operator, the operands exchanged, one of them left out."""
    if not isinstance(node, ast.BinOp):
        return
    textual = any(_is_textual(side) for side in (node.left, node.right))
    if not textual:
        for other in _ARITHMETIC[type(node.op)]:
            yield node, binary(node.left, other(), node.right)
    if isinstance(node.op, _ORDERED) or textual or (isinstance(node.op, ast.Add) and _joins(node)):
        yield node, binary(node.right, node.op, node.left)
    yield node, node.left
    if not isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Pow, ast.Mod)) and number(node.right) is None:
        yield node, node.right


def signs(code: Code, node: ast.AST) -> Iterator[Change]:
    """A minus dropped, or put before what a function of numbers returns."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and number(node) is None:
        yield node, node.operand
    if isinstance(node, ast.Return) and node.value and _returns_numbers(code.function(node)):
        for value in node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]:
            if not isinstance(value, (ast.UnaryOp, ast.Constant)):
                yield value, ast.UnaryOp(ast.USub(), value)


def comparisons(code: Code, node: ast.AST) -> Iterator[Change]:
    """Another comparison, or its boundary moved by one."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return
    op, right = type(node.ops[0]), node.comparators[0]
    for other in _COMPARISONS[op]:
        yield node, ast.Compare(node.left, [other()], [right])
    if op in _TIGHTER and number(right) is None:
        yield node, ast.Compare(node.left, node.ops, [shifted(right, _TIGHTER[op])])


def logic(code: Code, node: ast.AST) -> Iterator[Change]:
    """`and` ↔ `or`, a condition left out, `not` and `~` dropped."""
    if isinstance(node, ast.BoolOp):
        yield node, ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for left_out in node.values:
            rest = [value for value in node.values if value is not left_out]
            yield node, rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert)):
        yield node, node.operand


def epsilons(code: Code, node: ast.AST) -> Iterator[Change]:
    """An eps a thousand times as large, and inside the root instead of outside it or the other way round."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        for eps, rest in ((node.left, node.right), (node.right, node.left)):
            if not _is_eps(eps):
                continue
            yield eps, binary(eps, ast.Mult(), ast.Constant(1000))
            if called(rest) == "sqrt" and isinstance(rest, ast.Call) and (inside := code.subject(rest)) is not None:
                yield node, _root_of(code, rest, binary(inside, ast.Add(), eps))
    if isinstance(node, ast.Call) and called(node) in ("sqrt", "rsqrt"):
        inside = code.subject(node)
        if isinstance(inside, ast.BinOp) and isinstance(inside.op, ast.Add):
            for eps, rest in ((inside.left, inside.right), (inside.right, inside.left)):
                if _is_eps(eps):
                    yield node, _outside(code, node, rest, eps)


def names(code: Code, node: ast.AST) -> Iterator[Change]:
    """A parameter for another one of its kind, or a name for one unpacked together with it."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and root(node) == "self":
        yield from _attributes(code, node)
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return
    parent, function = code.parents[node], code.function(node)
    if function is None or (isinstance(parent, ast.Call) and (parent.func is node or called(parent) in SIZES)):
        return
    if isinstance(parent, ast.Attribute) and called(code.parents[parent]) in ("promote_types", "result_type"):
        return
    for group in _groups(code, function):
        if node.id in group:
            place = group.index(node.id)
            for other in dict.fromkeys((group[(place + 1) % len(group)], group[place - 1])):
                yield node, ast.Name(other)
            return


def _attributes(code: Code, node: ast.Attribute) -> Iterator[Change]:
    """One of an object's own parts for another one of its kind: `self.v_proj` for `self.k_proj`."""
    if not isinstance(node.value, ast.Name):
        return
    stored = [
        other.attr
        for other in ast.walk(code.tree)
        if isinstance(other, ast.Attribute) and isinstance(other.ctx, ast.Store) and root(other) == "self"
    ]
    group = list(dict.fromkeys(attr for attr in stored if _kind(attr) == _kind(node.attr)))
    if node.attr in group and len(group) > 1:
        place = group.index(node.attr)
        for other in dict.fromkeys((group[(place + 1) % len(group)], group[place - 1])):
            yield node, ast.Attribute(node.value, other)


def _kind(label: str) -> str:
    """The last word of a name, which says what it is."""
    return label.rpartition("_")[2]


def _groups(code: Code, function: ast.FunctionDef) -> Iterator[list[str]]:
    """Names of a function that could be taken for each other."""
    kinds: dict[str, list[str]] = {}
    for given in (*function.args.args, *function.args.kwonlyargs):
        if given.arg != "self":
            kind = f"_{_kind(given.arg)}" if given.annotation is None else ast.unparse(given.annotation)
            kinds.setdefault(kind, []).append(given.arg)
    yield from (group for group in kinds.values() if len(group) > 1)
    for node in ast.walk(function):
        if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store):
            group = [item.id for item in node.elts if isinstance(item, ast.Name) and item.id != "_"]
            if len(group) > 1 and not isinstance(code.parents[node], (ast.For, ast.comprehension)):
                yield group


def _is_fill(code: Code, node: ast.AST) -> bool:
    """Whether a number stands alone as what masked_fill or where puts in, but for 0, which the fills leave to it."""
    call = code.parents[node]
    return isinstance(call, ast.Call) and called(call) in ("masked_fill", "masked_fill_") and number(node) != 0


def _is_textual(node: ast.AST) -> bool:
    return isinstance(node, (ast.List, ast.JoinedStr, ast.Dict)) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _joins(node: ast.BinOp) -> bool:
    """Whether an addition might join texts or lists: its operands are elements of one."""
    return isinstance(node.left, ast.Subscript) and isinstance(node.right, ast.Subscript)


def _returns_numbers(function: ast.FunctionDef | None) -> bool:
    if function is None or function.returns is None:
        return False
    inside = {root(node) for node in ast.walk(function.returns) if isinstance(node, (ast.Name, ast.Attribute))}
    return bool(inside & {"Tensor", "torch", "float", "int"}) and not inside & {"str", "list", "dict", "bool"}


def _is_eps(node: ast.expr) -> bool:
    value = number(node)
    return "eps" in ast.unparse(node) if value is None else 0 < value < _EPS


def _root_of(code: Code, call: ast.Call, inside: ast.expr) -> ast.Call:
    if code.is_method(call) and isinstance(call.func, ast.Attribute):
        return ast.Call(ast.Attribute(inside, call.func.attr), call.args, call.keywords)
    return ast.Call(call.func, [inside, *call.args[1:]], call.keywords)


def _outside(code: Code, call: ast.Call, inside: ast.expr, eps: ast.expr) -> ast.expr:
    plain = _root_of(code, call, inside)
    if called(call) == "sqrt":
        return binary(plain, ast.Add(), eps)
    return binary(ast.Constant(1), ast.Div(), binary(binary(ast.Constant(1), ast.Div(), plain), ast.Add(), eps))
