"""Dimensions, layouts, masks, fill values, reductions and dtypes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from thinkllm_drill.author.mutation.code import Change, Code
from thinkllm_drill.author.mutation.nodes import (
    binary,
    called,
    integer,
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
from thinkllm_drill.author.mutation.slots import REORDERING, TRIANGLES, dims

_REDUCTIONS: dict[str, tuple[str, ...]] = {
    "sum": ("mean", "amax"),
    "mean": ("sum",),
    "amax": ("amin", "mean"),
    "amin": ("amax",),
    "prod": ("sum",),
    "max": ("min",),
    "min": ("max",),
    "argmax": ("argmin",),
    "argmin": ("argmax",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "cumsum": ("cumprod",),
    "cumprod": ("cumsum",),
    "logsumexp": ("amax",),
    "std": ("var",),
    "var": ("std",),
    "any": ("all",),
    "all": ("any",),
}
_TRITON_REDUCTIONS: dict[str, tuple[str, ...]] = {
    "sum": ("max",),
    "max": ("min",),
    "min": ("max",),
    "maximum": ("minimum",),
}
_BUILTIN_REDUCTIONS: dict[str, tuple[str, ...]] = {
    "sum": ("max",),
    "max": ("min",),
    "min": ("max",),
    "any": ("all",),
    "all": ("any",),
}
_TOTAL = frozenset({"sum", "mean", "amax", "amin", "std", "var"})
_SPREADS = frozenset({"std", "var"})
_FILLED = frozenset({"masked_fill", "masked_fill_", "where"})
_CASTS = frozenset({"float", "double", "half", "bfloat16", "to", "type_as"})
_WIDE = ("torch.float32", "torch.float64", "torch.float", "tl.float32")
_BOUNDS = ("min", "max")


def dimensions(code: Code, node: ast.AST) -> Iterator[Change]:
    """Another dimension, and the whole tensor where one is reduced."""
    for dim in dims(code, node):
        value = integer(dim)
        if value is not None:
            for other in {-1: (-2, 0), 0: (1, -1)}.get(value, (value - 1, value + 1)):
                yield dim, literal(other)
        elif isinstance(dim, ast.Name):
            yield dim, literal(-1)
            yield dim, literal(0)
        if isinstance(node, ast.Call) and called(node) in _TOTAL:
            args = [given for given in node.args if given is not dim]
            yield node, without(recalled(node, args=args), "dim", "axis", "keepdim")


def layouts(code: Code, node: ast.AST) -> Iterator[Change]:
    """Transposes dropped or of other dimensions; repeat ↔ repeat_interleave."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT") and isinstance(node.ctx, ast.Load):
        yield node, node.value
    if not isinstance(node, ast.Call):
        return
    what, subject = called(node), code.subject(node)
    if what in REORDERING and subject is not None:
        yield node, subject
        yield from _reordered(code, node, what)
    if what == "repeat_interleave" and subject is not None and (dim := keyword(node, "dim")):
        times = node.args[-1]
        copies = binary(ast.List([subject]), ast.Mult(), times)
        yield node, ast.Call(name("torch.cat"), [copies], [dim])
    if what == "repeat" and code.is_method(node) and isinstance(node.func, ast.Attribute):
        repeated = [place for place, times in enumerate(node.args) if integer(times) != 1]
        if len(node.args) > 1 and len(repeated) == 1:
            dim = ast.keyword("dim", literal(repeated[0] - len(node.args)))
            yield node, ast.Call(renamed(node, "repeat_interleave"), [node.args[repeated[0]]], [dim])


def _reordered(code: Code, node: ast.Call, what: str) -> Iterator[Change]:
    """Other dimensions for a transpose: two neighbours of a permutation exchanged, one of a pair moved."""
    first = 0 if code.is_method(node) else 1
    if what == "permute":
        given = node.args[first:]
        whole = given[0] if len(given) == 1 and isinstance(given[0], ast.Tuple) else None
        order = whole.elts if isinstance(whole, ast.Tuple) else given
        for place in range(len(order) - 1):
            other = swapped(order, place, place + 1)
            if whole is not None:
                yield whole, ast.Tuple(other)
            else:
                yield node, recalled(node, args=[*node.args[:first], *other])
        return
    for dim in node.args[first:]:
        value = integer(dim)
        if value is not None:
            yield dim, literal(value - 1)
            yield dim, literal(value + 1)
    if what.startswith("move") and len(node.args) == first + 2:
        yield node, recalled(node, args=[*node.args[:first], *reversed(node.args[first:])])


def reductions(code: Code, node: ast.AST) -> Iterator[Change]:
    """sum ↔ mean ↔ maximum; the largest for the smallest; the correction of a variance."""
    if isinstance(node, ast.keyword) and node.arg == "reduction" and isinstance(node.value, ast.Constant):
        for other in {"mean": ("sum",), "sum": ("mean",), "batchmean": ("mean", "sum")}.get(str(node.value.value), ()):
            yield node.value, ast.Constant(other)
    if isinstance(node, ast.keyword) and node.arg in ("correction", "ddof") and number(node.value) is not None:
        yield node.value, literal(0 if number(node.value) else 1)
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name):
        table = _BUILTIN_REDUCTIONS
    elif root(node.func) == "tl":
        table = _TRITON_REDUCTIONS
    else:
        table = _REDUCTIONS
        if called(node) in _SPREADS and not keyword(node, "unbiased", "correction", "ddof"):
            yield node, recalled(node, keywords=[*node.keywords, ast.keyword("correction", ast.Constant(0))])
    for other in table.get(called(node), ()):
        yield node, recalled(node, func=renamed(node, other))


def masks(code: Code, node: ast.AST) -> Iterator[Change]:
    """A diagonal moved by one, the other triangle, a mask inverted or not applied, fills of another value."""
    if isinstance(node, ast.Call):
        if called(node) in TRIANGLES:
            yield from _triangles(code, node)
        if called(node) in ("masked_fill", "where") and (subject := code.subject(node)) is not None:
            yield node, node.args[1] if called(node) == "where" and len(node.args) == 3 else subject
        yield from _inverted(code, node)
    if _is_minus_infinity(node) and isinstance(node, ast.expr):
        yield node, ast.Constant(0.0)
        yield node, literal(-1e9)
        parent = code.parents[node]
        if isinstance(parent, ast.Call) and called(parent) in _FILLED:
            yield node, name("torch.finfo(torch.float32).min")


def _triangles(code: Code, node: ast.Call) -> Iterator[Change]:
    other = "triu" if called(node) == "tril" else "tril"
    yield node, recalled(node, func=renamed(node, other))
    place = 0 if code.is_method(node) else 1
    given = keyword(node, "diagonal")
    diagonal = given.value if given else node.args[place] if len(node.args) > place else None
    value = integer(diagonal)
    if diagonal is None:
        for moved in (-1, 1):
            yield node, recalled(node, args=[*node.args, literal(moved)])
    elif value is not None:
        yield diagonal, literal(value - 1)
        yield diagonal, literal(value + 1)


def _inverted(code: Code, node: ast.Call) -> Iterator[Change]:
    """A mask that is given as it is, inverted."""
    place = 0 if called(node) != "where" and code.is_method(node) else 0 if called(node) == "where" else 1
    given = keyword(node, "mask", "attn_mask")
    if called(node) in _FILLED and len(node.args) > place and not isinstance(node.args[place], ast.UnaryOp):
        yield node.args[place], ast.UnaryOp(ast.Invert(), node.args[place])
    elif given and root(node.func) != "tl" and not isinstance(given.value, ast.Constant):
        yield given.value, ast.UnaryOp(ast.Invert(), given.value)


def clamps(code: Code, node: ast.AST) -> Iterator[Change]:
    """A clamp or one of its bounds left out, its bounds exchanged."""
    if not isinstance(node, ast.Call):
        return
    what, subject = called(node), code.subject(node)
    if what in ("clamp_min", "clamp_max") and subject is not None:
        yield node, subject
    if what in ("clamp", "clip") and subject is not None:
        yield node, subject
        first = 0 if code.is_method(node) else 1
        bounds = node.args[first:]
        if len(bounds) == 2:
            yield node, recalled(node, args=[*node.args[:first], ast.Constant(None), bounds[1]])
            yield node, recalled(node, args=node.args[:-1])
            yield node, recalled(node, args=[*node.args[:first], bounds[1], bounds[0]])
        if len(node.keywords) == 2:
            for bound in _BOUNDS:
                yield node, without(node, bound)
        elif len(node.keywords) == 1:
            only = node.keywords[0]
            yield only, ast.keyword("max" if only.arg == "min" else "min", only.value)
    two = len(node.args) == 2 and not node.keywords
    if two and (what in ("minimum", "maximum") or (what in _BOUNDS and isinstance(node.func, ast.Name))):
        yield node, node.args[0]
        yield node, node.args[1]


def dtypes(code: Code, node: ast.AST) -> Iterator[Change]:
    """A cast dropped, a wider type not promoted to, a narrower one asked for."""
    if isinstance(node, ast.Call):
        subject = code.subject(node)
        if called(node) in _CASTS and code.is_method(node) and subject is not None and not _moves_device(node):
            yield node, subject
        cast = code.parents[node]
        if called(node) in ("promote_types", "result_type") and not (called(cast) == "to" and _is_only(cast)):
            for given in node.args:
                if ast.unparse(given) not in _WIDE:
                    yield node, given
    if isinstance(node, ast.Attribute) and ast.unparse(node) in _WIDE:
        parent = code.parents[node]
        if not isinstance(parent, ast.Call) or called(parent) not in ("promote_types", "result_type"):
            yield node, ast.Attribute(node.value, "float16")
            yield node, ast.Attribute(node.value, "bfloat16")


def gradients(code: Code, node: ast.AST) -> Iterator[Change]:
    """A detach dropped; a mode without gradients left out."""
    if isinstance(node, ast.Call) and called(node) == "detach" and (subject := code.subject(node)) is not None:
        yield node, subject
    if isinstance(node, ast.Attribute) and node.attr in ("no_grad", "inference_mode"):
        yield node, ast.Attribute(node.value, "enable_grad")


def einsums(code: Code, node: ast.AST) -> Iterator[Change]:
    """An equation with two letters of its output, or the last two of an input, exchanged."""
    if not isinstance(node, ast.Call) or called(node) != "einsum" or not isinstance(node.args[0], ast.Constant):
        return
    equation = str(node.args[0].value)
    inputs, arrow, _ = equation.partition("->")
    places = list(pairwise(i for i in range(len(inputs + arrow), len(equation)) if equation[i].isalpha()))
    end = 0
    for term in inputs.split(","):
        end += len(term)
        letters = [i for i in range(end - len(term), end) if equation[i].isalpha()]
        places += [(letters[-2], letters[-1])] if len(letters) > 1 else []
        end += 1
    for first, second in places:
        other = list(equation)
        other[first], other[second] = other[second], other[first]
        yield node.args[0], ast.Constant("".join(other))


def _is_minus_infinity(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and called(node) == "float":
        return [ast.unparse(given) for given in node.args] == ["'-inf'"]
    if not isinstance(node, ast.UnaryOp) or not isinstance(node.op, ast.USub):
        return False
    operand = node.operand
    if isinstance(operand, ast.Attribute):
        return operand.attr == "inf"
    return isinstance(operand, ast.Call) and [ast.unparse(given) for given in operand.args] == ["'inf'"]


def _is_only(call: ast.AST) -> bool:
    """Whether a call has one argument, so that leaving out the call says the same as leaving out the promotion."""
    return isinstance(call, ast.Call) and len(call.args) == 1 and not call.keywords


def _moves_device(node: ast.Call) -> bool:
    """Whether a `.to` moves a tensor to another device and nothing else."""
    given = [ast.unparse(value) for value in (*node.args, *(keyword.value for keyword in node.keywords))]
    return bool(given) and all("device" in text or text.startswith("'") for text in given)
