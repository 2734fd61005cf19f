"""Calls: which function, which arguments, in which order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from thinkllm_drill.author.mutation.code import Change, Code
from thinkllm_drill.author.mutation.nodes import (
    called,
    keyword,
    literal,
    name,
    number,
    recalled,
    renamed,
    root,
    swapped,
    without,
)
from thinkllm_drill.author.mutation.slots import RANGES, REORDERING

_OTHERS = {
    "exp": ("exp2",),
    "exp2": ("exp",),
    "expm1": ("exp",),
    "log": ("log2", "log1p"),
    "log2": ("log",),
    "log10": ("log",),
    "log1p": ("log",),
    "sin": ("cos",),
    "cos": ("sin",),
    "sqrt": ("square",),
    "rsqrt": ("sqrt",),
    "softmax": ("log_softmax",),
    "log_softmax": ("softmax",),
    "logsigmoid": ("sigmoid",),
    "sigmoid": ("tanh",),
    "tanh": ("sigmoid",),
    "floor": ("ceil",),
    "ceil": ("floor",),
    "fullmatch": ("match",),
    "match": ("search",),
    "search": ("match",),
    "strip": ("lstrip", "rstrip"),
    "addcmul_": ("addcdiv_",),
    "addcdiv_": ("addcmul_",),
}
_DROPPED = frozenset(
    {"exp", "log", "sqrt", "rsqrt", "square", "abs", "relu", "tanh", "sigmoid", "neg", "reciprocal", "round", "floor"}
    | {"ceil", "softmax", "log_softmax", "cumsum", "flip", "sin", "cos", "strip", "lower", "reversed", "sorted", "set"}
)
_COPIES = frozenset({"deepcopy", "copy", "clone"})
_IN_PLACE = frozenset({"masked_fill", "add", "sub", "mul", "div", "exp", "clamp", "scatter", "clamp_min", "fill"})
_TOGETHER = frozenset({"dim", "axis", "keepdim", "device", "strict", "correction", "unbiased", "reduction"})
_PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp)
_ORDERLESS = frozenset(
    {"isinstance", "getattr", "hasattr", "setattr", "zip", "print", "full", "max", "min", "maximum", "minimum"}
    | {"promote_types", "result_type", "gcd"}
)
"""Functions whose arguments nobody mixes up, or which do not mind."""


def functions(code: Code, node: ast.AST) -> Iterator[Change]:
    """Another function: log ↔ log2 ↔ log1p, exp ↔ exp2, sin ↔ cos; a function left out."""
    if not isinstance(node, ast.Call):
        return
    what, subject = called(node), code.subject(node)
    for other in _OTHERS.get(what, ()):
        if root(node.func) != "math" or other != "square":
            yield node, recalled(node, func=renamed(node, other))
    if what in _DROPPED and subject is not None:
        yield node, ast.Call(ast.Name("list"), [subject], []) if what == "sorted" else subject


def arguments(code: Code, node: ast.AST) -> Iterator[Change]:
    """Two arguments of the same kind exchanged; an optional one left out or given another value."""
    if not isinstance(node, ast.Call):
        return
    if called(node) == "where" and len(node.args) == 3:
        yield node, recalled(node, args=[node.args[0], node.args[2], node.args[1]])
    elif called(node) not in REORDERING | RANGES | _ORDERLESS and root(node.func) != "re":
        for place in range(len(node.args) - 1):
            pair = node.args[place : place + 2]
            if all(isinstance(given, _PLAIN) and number(given) is None for given in pair):
                yield node, recalled(node, args=swapped(node.args, place, place + 1))
    for given in node.keywords:
        if given.arg and given.arg not in _TOGETHER and (root(node.func) in code.imported or code.is_method(node)):
            yield node, without(node, given.arg)
    for first, second in zip(node.keywords, node.keywords[1:], strict=False):
        if all(isinstance(given.value, ast.Name) and given.arg for given in (first, second)):
            pairs = {first.arg: second.value, second.arg: first.value}
            others = [ast.keyword(given.arg, pairs.get(given.arg, given.value)) for given in node.keywords]
            yield node, recalled(node, keywords=others)


def orders(code: Code, node: ast.AST) -> Iterator[Change]:
    """Sorted the other way round or without the key; another default of `get`."""
    if not isinstance(node, ast.Call):
        return
    if called(node) in ("sorted", "sort") and not keyword(node, "reverse", "descending"):
        flag = "reverse" if isinstance(node.func, ast.Name) or keyword(node, "key") else "descending"
        yield node, recalled(node, keywords=[*node.keywords, ast.keyword(flag, ast.Constant(True))])
    if isinstance(node.func, ast.Name) and keyword(node, "key"):
        yield node, without(node, "key")
    if called(node) in ("get", "setdefault", "pop") and len(node.args) == 2:
        value = number(node.args[1])
        if value is not None:
            yield node.args[1], literal(1 - value)
        elif called(node) == "get":
            yield node, recalled(node, args=node.args[:1])


def tuples(code: Code, node: ast.AST) -> Iterator[Change]:
    """Two neighbours of a tuple exchanged; one left out of a tuple that decides an order."""
    if not isinstance(node, ast.Tuple) or not isinstance(node.ctx, ast.Load) or len(node.elts) < 2:
        return
    parent = code.parents[node]
    if isinstance(parent, ast.Subscript) or (isinstance(parent, ast.Call) and called(parent) in REORDERING):
        return
    for place in range(len(node.elts) - 1):
        yield node, ast.Tuple(swapped(node.elts, place, place + 1))
    if isinstance(parent, ast.Lambda):
        for item in node.elts:
            yield node, ast.Tuple([other for other in node.elts if other is not item])


def copies(code: Code, node: ast.AST) -> Iterator[Change]:
    """A copy not made; in place instead of out of place, and the other way round."""
    if isinstance(node, ast.Call):
        what, subject = called(node), code.subject(node)
        if what in _COPIES and subject is not None:
            yield node, subject
        if isinstance(node.func, ast.Name) and what in ("list", "dict", "set", "tuple") and len(node.args) == 1:
            yield node, node.args[0]
        if what.endswith("_") and not what.endswith("__") and code.is_method(node):
            yield node, recalled(node, func=renamed(node, what.rstrip("_")))
        if what in _IN_PLACE and subject is not None and code.is_method(node) and _is_given(code, subject):
            yield node, recalled(node, func=renamed(node, f"{what}_"))
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.BinOp):
        target = node.targets[0]
        if isinstance(target, ast.Name) and ast.unparse(node.value.left) == target.id:
            yield node, ast.AugAssign(target, node.value.op, node.value.right)


def _is_given(code: Code, node: ast.expr) -> bool:
    """Whether a name is a parameter of its function, so that changing it changes what the caller gave."""
    function = code.function(node)
    return function is not None and ast.unparse(node) in {given.arg for given in function.args.args}


def kernels(code: Code, node: ast.AST) -> Iterator[Change]:
    """A masked load of Triton whose lanes outside hold something else; `mask` and `other` are left out as arguments."""
    if not isinstance(node, ast.Call) or root(node.func) != "tl":
        return
    if called(node) == "load" and (other := keyword(node, "other")):
        if number(other.value) is None:
            yield other, ast.keyword("other", ast.Constant(1.0))
        else:
            yield other, ast.keyword("other", name("float('nan')"))
    elif called(node) == "load" and keyword(node, "mask"):
        yield node, recalled(node, keywords=[*node.keywords, ast.keyword("other", ast.Constant(0.0))])
