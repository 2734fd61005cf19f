"""The part of a grader that makes its inputs, as source: all of it that the process of an attempt is given.

Neither the cases nor the truth, nor what is tested, is in it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import torch

CLASS, BASE = "Inputs", "Prepared"


def recipe(source: str, suite: str) -> str:
    """Source that defines `Inputs().prepared(rng, probe)` as the suite of that name in a grader file does.

    Raises:
        ValueError: there is no such suite, or it has no `inputs` of its own.
    """
    module = ast.parse(source)
    classes = {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}
    if suite not in classes:
        raise ValueError(f"no suite {suite}")
    members = _needed(_members(classes, suite), ["inputs", "prepared"], _own_names)
    if not any("inputs" in _defined(node) for node in members):
        raise ValueError(f"{suite} has no inputs of its own")
    top = [node for node in module.body if getattr(node, "name", "") != suite]
    used = [name for member in members for name in _global_names(member)]
    kept = _needed(top, used, _global_names)
    made = ast.parse(f"class {CLASS}({BASE}): pass").body[0]
    assert isinstance(made, ast.ClassDef)
    made.body = members
    return ast.unparse(ast.fix_missing_locations(ast.Module([*kept, made], [])))


class Prepared:
    """What a suite's `prepared` is by itself: its inputs, rounded to the dtype of the case."""

    def inputs(self, rng: Any, **params: Any) -> Mapping[str, Any]:
        """The grader's own."""
        raise NotImplementedError

    def prepared(self, rng: Any, probe: Any) -> dict[str, Any]:
        """The inputs of a probe."""
        made = self.inputs(rng, **probe.case.params)
        return {name: cast(value, getattr(torch, probe.case.dtype)) for name, value in made.items()}


def load(source: str) -> Callable[[Any, Mapping[str, Any], str], dict[str, Any]]:
    """The function that makes inputs, from a source of randomness, the parameters of a case and its dtype."""
    namespace: dict[str, Any] = {"__name__": "inputs_of_a_grader", BASE: Prepared}
    exec(compile(source, "inputs.py", "exec"), namespace)
    made = namespace[CLASS]()

    def prepared(rng: Any, params: Mapping[str, Any], dtype: str) -> dict[str, Any]:
        case = SimpleNamespace(params=dict(params), dtype=dtype, reduction=None, factor=None)
        return dict(made.prepared(rng, SimpleNamespace(case=case, layout="", cotangent="", draw=0, declared=True)))

    return prepared


def cast(value: Any, dtype: torch.dtype) -> Any:
    """The value with its float tensors in a dtype."""
    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if type(value) in (list, tuple):
        return type(value)(cast(item, dtype) for item in value)
    return value


def _members(classes: Mapping[str, ast.ClassDef], name: str) -> list[ast.stmt]:
    """What a class and those of its bases that are in the file define; the class's own last."""
    node = classes[name]
    bases = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id in classes]
    return [*(member for base in bases for member in _members(classes, base)), *node.body]


def _needed(nodes: list[ast.stmt], names: Iterable[str], uses: Callable[[ast.AST], Iterable[str]]) -> list[ast.stmt]:
    """The statements that define the names, and those that these use, in their order."""
    wanted, kept = set(names), set[int]()
    grown = True
    while grown:
        grown = False
        for index, node in enumerate(nodes):
            if index not in kept and wanted & _defined(node):
                kept.add(index)
                wanted.update(uses(node))
                grown = True
    return [nodes[index] for index in sorted(kept)]


def _defined(node: ast.stmt) -> set[str]:
    """The names that a statement binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
    return set()


def _own_names(node: ast.AST) -> set[str]:
    """Attributes of `self` or `cls`, and names: class-level statements see each other."""
    return {leaf.attr for leaf in ast.walk(node) if isinstance(leaf, ast.Attribute)} | _global_names(node)


def _global_names(node: ast.AST) -> set[str]:
    return {leaf.id for leaf in ast.walk(node) if isinstance(leaf, ast.Name)}
