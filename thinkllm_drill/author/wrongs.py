"""Answers that any grader must reject: zeros, a constant, the mean, NaN, a copy of an argument, nothing at all."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_HOW = {"zeros": "zeros", "constant": "a constant", "mean": "the mean", "nan": "NaN"}

_SPOIL = '''
import copy as _copy
import dataclasses as _dataclasses
import functools as _functools
import inspect as _inspect
import sys as _sys


def _spoilt(value, how):
    """value with its numbers replaced."""
    torch = _sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        real = value.is_floating_point()
        if how == "mean" and real and value.numel():
            return torch.full_like(value.detach(), float(value.detach().float().mean()))
        fill = {"zeros": 0, "constant": 0.5 if real else 1, "nan": float("nan") if real else 0}.get(how, 0)
        return torch.full_like(value.detach(), fill)
    np = _sys.modules.get("numpy")
    if np is not None and isinstance(value, (np.ndarray, np.generic)):
        real = value.dtype.kind == "f"
        if how == "mean" and real and value.size:
            return np.full_like(value, np.mean(value))[()]
        fill = {"zeros": 0, "constant": 0.5 if real else 1, "nan": float("nan") if real else 0}.get(how, 0)
        return np.full_like(value, fill)[()]
    if isinstance(value, bool):
        return how == "constant"
    if isinstance(value, int):
        return {"constant": 1}.get(how, 0)
    if isinstance(value, float):
        return {"constant": 0.5, "nan": float("nan")}.get(how, 0.0)
    if isinstance(value, str):
        return {"constant": "x"}.get(how, "")
    if isinstance(value, dict):
        return {key: _spoilt(item, how) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_spoilt(item, how) for item in value))
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(_spoilt(item, how) for item in value)
    if _dataclasses.is_dataclass(value) and not isinstance(value, type):
        spoilt = _copy.copy(value)
        for field in _dataclasses.fields(value):
            object.__setattr__(spoilt, field.name, _spoilt(getattr(value, field.name), how))
        return spoilt
    if _inspect.isgenerator(value):
        return (_spoilt(item, how) for item in value)
    return value


def _spoil(function, how):
    """function, but its answer is spoilt: a name of what to replace it by, or the argument to return."""
    signature = _inspect.signature(function)

    @_functools.wraps(function)
    def wrong(*args, **kwargs):
        if how == "nothing":
            return None
        if how.startswith("argument "):
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            argument = given.arguments[how.removeprefix("argument ")]
            return argument.clone() if hasattr(argument, "clone") else _copy.copy(argument)
        return _spoilt(function(*args, **kwargs), how)

    return wrong
'''

Function = ast.FunctionDef | ast.AsyncFunctionDef


def wrong_answers(source: str, api: Iterable[str]) -> Iterator[tuple[str, str]]:
    """A label and a module for each wrong answer: the reference with one name of the api spoilt.

    Args:
        source: the reference.
        api: the names that the exercise asks for.
    """
    definitions = {node.name: node for node in ast.parse(source).body if hasattr(node, "name")}
    for name in api:
        node = definitions.get(name)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _of_function(source, node)
        elif isinstance(node, ast.ClassDef):
            yield from _of_class(source, node)


def _of_function(source: str, node: Function) -> Iterator[tuple[str, str]]:
    for how, words in _ways([node]):
        yield f"{words} for {node.name}", f"{source}{_SPOIL}\n\n{node.name} = _spoil({node.name}, {how!r})\n"


def _of_class(source: str, node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    methods = [member for member in node.body if isinstance(member, ast.FunctionDef) and _is_graded(member)]
    answering = [method for method in methods if _answers(method)]
    for group, label in ((answering, "answers"), ([m for m in methods if m not in answering], "methods")):
        for how, words in _ways(group):
            taking = [method for method in group if not how.startswith("argument ") or how[9:] in _arguments(method)]
            edits = [f"{node.name}.{method.name} = _spoil({node.name}.{method.name}, {how!r})" for method in taking]
            yield f"{words} for the {label} of {node.name}", "\n".join([source + _SPOIL, "", *edits, ""])


def _ways(functions: list[Function] | list[ast.FunctionDef]) -> Iterator[tuple[str, str]]:
    """How to spoil functions, and how that is called."""
    if not functions:
        return
    if not any(_answers(function) for function in functions):
        yield "nothing", "doing nothing"
        return
    yield from _HOW.items()
    for argument in dict.fromkeys(argument for function in functions for argument in _arguments(function)):
        yield f"argument {argument}", f"a copy of {argument}"


def _is_graded(method: ast.FunctionDef) -> bool:
    public = not method.name.startswith("_") or method.name in ("__call__", "__getitem__")
    plain = all(ast.unparse(decorator).startswith("torch.") for decorator in method.decorator_list)
    return public and plain


def _answers(function: Function) -> bool:
    """Whether a function gives anything back."""
    for node in ast.walk(function):
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if isinstance(node, ast.Return) and node.value and ast.unparse(node.value) != "None":
            return True
    return False


def _arguments(function: Function) -> list[str]:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]
