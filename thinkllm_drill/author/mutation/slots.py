"""Which arguments are dimensions, bounds or sizes, so that each kind is changed by the operator that knows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from thinkllm_drill.author.mutation.code import Code
from thinkllm_drill.author.mutation.nodes import called, integer, keyword, root

REORDERING = frozenset({"transpose", "permute", "movedim", "moveaxis", "swapaxes", "swapdims"})
RANGES = frozenset({"range", "arange"})
SIZES = frozenset({"view", "reshape", "expand", "ones", "zeros", "empty", "full", "new_zeros", "new_ones", "repeat"})
TRIANGLES = frozenset({"tril", "triu"})

_DIM = ("dim", "axis")
# fmt: off
_FIRST = frozenset((
    "sum", "mean", "amax", "amin", "max", "min", "argmax", "argmin", "softmax", "log_softmax", "cumsum", "cumprod",
    "logsumexp", "std", "var", "sort", "argsort", "all", "any", "prod", "gather", "scatter", "scatter_",
    "scatter_add", "scatter_add_", "index_select", "index_add_", "unsqueeze", "squeeze", "select", "narrow", "flip",
    "unbind", "norm", "median", "cummax",
))
# fmt: on
_SECOND = frozenset({"topk", "chunk", "split", "repeat_interleave", "tensor_split"})
_OF_MANY = frozenset({"cat", "stack", "concatenate", "concat"})


def dims(code: Code, node: ast.AST) -> Iterator[ast.expr]:
    """The arguments of a call that name a dimension."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or root(node.func) == "tl":
        return
    if given := keyword(node, *_DIM):
        yield from given.value.elts if isinstance(given.value, ast.Tuple) else [given.value]
        return
    what = called(node)
    if what not in _FIRST | _SECOND | _OF_MANY:
        return
    place = (what not in _FIRST) + (what not in _OF_MANY and not code.is_method(node))
    if place < len(node.args) and (integer(node.args[place]) is not None or isinstance(node.args[place], ast.Name)):
        yield node.args[place]


def is_special(code: Code, node: ast.AST) -> bool:
    """Whether a number is a dimension, a bound, an index or a diagonal, which other operators change."""
    parent = code.parents[node]
    if isinstance(parent, (ast.Slice, ast.Subscript)):
        return True
    if isinstance(parent, ast.keyword) and parent.arg in ("correction", "ddof", "diagonal"):
        return True
    call = code.parents[parent] if isinstance(parent, (ast.keyword, ast.Tuple)) else parent
    call = code.parents[call] if isinstance(call, ast.keyword) else call
    if not isinstance(call, ast.Call):
        return False
    return (
        called(call) in REORDERING | RANGES | TRIANGLES | {"enumerate"}
        or (root(call.func) == "tl" and called(call) in ("max", "min", "sum", "program_id"))
        or any(node is dim for dim in dims(code, call))
    )
