"""Statements and conditions: left out, forced, of another kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from thinkllm_drill.author.mutation.code import Change, Code
from thinkllm_drill.author.mutation.nodes import Number, literal, name, number

_AUGMENTED: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
_SIZE = 16
"""The least power of two that is taken for the size of a block."""
_WIDE = ("torch.float32", "torch.float64")


def statements(code: Code, node: ast.AST) -> Iterator[Change]:
    """A statement left out, where what follows still has its names."""
    early = isinstance(node, ast.Return) and not _is_last(code, node)
    if early or isinstance(node, (ast.AugAssign, ast.Expr, ast.Raise, ast.Continue, ast.Break, ast.Delete)):
        yield node, ast.Pass()
    if isinstance(node, (ast.Continue, ast.Break)):
        yield node, ast.Break() if isinstance(node, ast.Continue) else ast.Continue()
    if isinstance(node, ast.Assign):
        targets = [part for target in node.targets for part in ast.walk(target) if isinstance(part, ast.expr)]
        stored = {part.id for part in targets if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        if stored <= _known_before(code, node):
            yield node, ast.Pass()


def conditions(code: Code, node: ast.AST) -> Iterator[Change]:
    """A condition that always or never holds, or is inverted."""
    if isinstance(node, ast.If):
        yield node.test, ast.Constant(True)
        yield node.test, ast.Constant(False)
        if not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
            yield node.test, ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.While):
        yield node.test, ast.Constant(False)
    elif isinstance(node, ast.IfExp):
        yield node, node.body
        yield node, node.orelse
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        for part in node.generators:
            for test in part.ifs:
                yield test, ast.Constant(True)
                yield test, ast.Constant(False)


def augmented(code: Code, node: ast.AST) -> Iterator[Change]:
    """Another operator of an augmented assignment, and a plain assignment."""
    if isinstance(node, ast.AugAssign):
        for other in _AUGMENTED.get(type(node.op), ()):
            yield node, ast.AugAssign(node.target, other(), node.value)
        yield node, ast.Assign([node.target], node.value)


def exceptions(code: Code, node: ast.AST) -> Iterator[Change]:
    """Another exception raised, fewer caught."""
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if isinstance(raised, ast.Name):
            yield raised, ast.Name("RuntimeError" if raised.id != "RuntimeError" else "ValueError")
    if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name):
        yield node.type, ast.Name("ValueError" if node.type.id != "ValueError" else "KeyError")
        if node.type.id not in ("Exception", "BaseException"):
            yield node.type, ast.Name("Exception")


def defaults(code: Code, node: ast.AST) -> Iterator[Change]:
    """Another default value of a parameter."""
    if not isinstance(node, ast.FunctionDef):
        return
    for value in (*node.args.defaults, *(given for given in node.args.kw_defaults if given is not None)):
        known = number(value)
        if isinstance(value, ast.Constant) and isinstance(value.value, bool):
            yield value, ast.Constant(not value.value)
        elif known is not None:
            for other in _other_defaults(known):
                yield value, literal(other)
        elif isinstance(value, ast.Attribute) and ast.unparse(value) in _WIDE:
            yield value, name("torch.bfloat16")


def _other_defaults(value: Number) -> tuple[Number, ...]:
    if isinstance(value, float):
        return (float(f"{value * 10:.12g}"), float(f"{value / 10:.12g}")) if value else (0.1,)
    is_size = value >= _SIZE and value & (value - 1) == 0
    return (value * 2, value // 2) if is_size else (value + 1, value - 1)


def _is_last(code: Code, node: ast.Return) -> bool:
    """Whether nothing comes after a return at the end of its function."""
    function = code.function(node)
    return function is None or function.body[-1] is node


def _known_before(code: Code, node: ast.Assign) -> set[str]:
    """The names that a function has before a statement."""
    function = code.function(node)
    if function is None:
        return set()
    given = function.args
    known = {argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    for other in ast.walk(function):
        if isinstance(other, ast.Name) and isinstance(other.ctx, ast.Store) and other.lineno < node.lineno:
            known.add(other.id)
    return known
