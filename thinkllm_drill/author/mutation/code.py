"""A reference that can be changed one piece at a time, its text kept as it is around the piece."""

from __future__ import annotations

import ast
import copy
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from thinkllm_drill.author.mutation.nodes import name, number, root
from thinkllm_drill.content.regions import regions

Change = tuple[ast.AST, ast.AST]
"""A node of the reference, and what to put there; the new one may contain nodes of the reference."""

_HOLE = re.compile(r"\bhole_(\d+)_(?:=hole_\d+_)?")
_GRAD_MODES = frozenset({"no_grad", "inference_mode", "enable_grad"})
_LAUNCH_OPTIONS = frozenset({"num_warps", "num_stages"})  # a kernel computes the same with any
_ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant, ast.List, ast.Dict, ast.keyword, ast.Slice)
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")
_LONG = 72
_TINY = 4
_AROUND = 20


@dataclass(frozen=True)
class Changed:
    """A reference with one piece changed."""

    source: str
    was: str
    now: str
    key: tuple[int, str]
    """The same for changes that come to the same program."""


class Code:
    """A reference without its region markers.

    Args:
        reference: the committed text.
    """

    def __init__(self, reference: str) -> None:
        found = regions(reference)
        markers = {line for region in found for line in (region.start, region.end)}
        lines = reference.splitlines(keepends=True)
        self._lines = [number for number in range(1, len(lines) + 1) if number not in markers]
        kept = {number for region in found if region.kind == "keep" for number in range(region.start, region.end)}
        self._given = {row for row, number in enumerate(self._lines, start=1) if number in kept}
        self._rows = [lines[number - 1] for number in self._lines]
        self.text = "".join(self._rows)
        self.tree = ast.parse(self.text)
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                if not isinstance(child, (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)):
                    self.parents[child] = node
        self.imported = {
            (alias.asname or alias.name).partition(".")[0]
            for node in ast.walk(self.tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        self._plain = [ast.unparse(node) for node in self.tree.body]

    def nodes(self) -> Iterator[ast.AST]:
        """The nodes that may be changed, in order: none of given code, docstrings, annotations, imports, f-strings."""
        for node in self.tree.body:
            yield from self._within(node)

    def _within(self, node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.JoinedStr)) or _is_text(node) or _is_all(node):
            return
        if isinstance(node, ast.stmt) and node.lineno in self._given:
            return
        if isinstance(node, ast.keyword) and node.arg in _LAUNCH_OPTIONS:
            return
        yield node
        if number(node) is None and not isinstance(node, ast.Raise):
            for child in _changeable(node):
                yield from self._within(child)

    def is_method(self, call: ast.Call) -> bool:
        """Whether a call is one of a value's methods: `x.sum()`, and not `torch.sum(x)` or `sum(x)`."""
        return isinstance(call.func, ast.Attribute) and root(call.func.value) not in self.imported

    def subject(self, call: ast.Call) -> ast.expr | None:
        """What a call works on: x of `x.sum()` and of `torch.sum(x)`."""
        if self.is_method(call) and isinstance(call.func, ast.Attribute):
            return call.func.value
        return call.args[0] if call.args else None

    def function(self, node: ast.AST) -> ast.FunctionDef | None:
        """The innermost function around a node."""
        around: ast.AST | None = node
        while around is not None and not isinstance(around, ast.FunctionDef):
            around = self.parents.get(around)
        return around

    def statement(self, node: ast.AST) -> ast.AST:
        """The statement, or clause of one, that a node is in."""
        while not isinstance(node, (ast.stmt, ast.ExceptHandler)):
            node = self.parents[node]
        return node

    def header(self, node: ast.AST) -> str:
        """The statement that a node is in, as one text; of a compound one what stands before the colon."""
        statement = copy.copy(self.statement(node))
        for part in _BODIES:
            if hasattr(statement, part):
                setattr(statement, part, [])
        return ast.unparse(statement)

    def path(self, node: ast.AST) -> str:
        """The function that a node is in: `Class.method`."""
        names: list[str] = []
        around: ast.AST | None = node
        while around is not None:
            if isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.insert(0, around.name)
            around = self.parents.get(around)
        return ".".join(names) or "module"

    def line(self, node: ast.AST) -> int:
        """The line of a node in the committed file."""
        return self._lines[_place(node)[0] - 1]

    def changed(self, old: ast.AST, new: ast.AST) -> Changed | None:
        """The reference with new in the place of old; None if that is no other program, or an idle one."""
        if _is_idle(self.parents[old], new):
            return None
        if isinstance(new, ast.stmt):
            ast.copy_location(new, old)
        position, expected = self._expected(old, new)
        if expected == self._plain[position]:
            return None
        start, end = self._span(old)
        for outer, inner in ((False, False), (True, False), (False, True), (True, True)):
            if outer and not isinstance(new, ast.expr):
                continue
            piece = self._written(new, inner)
            piece = f"({piece})" if outer else piece
            source = self.text[:start] + piece + self.text[end:]
            if _is_program(source, position, expected):
                return Changed(source, *self._shown(old, new, piece), (position, expected))
        return None

    def _shown(self, old: ast.AST, new: ast.AST, piece: str) -> tuple[str, str]:
        """What is changed and into what, each on one line; a tiny piece with what is around it."""
        start, end = self._span(old)
        if "\n" in self.text[start:end] + piece:
            return _short(ast.unparse(old), ast.unparse(new))
        first, last = start, end
        around = self.parents[old]
        while last - first <= _TINY and isinstance(around, (ast.expr, ast.keyword)):
            wider = self._span(around)
            if wider[1] - wider[0] > _LONG // 2 or "\n" in self.text[slice(*wider)]:
                break
            (first, last), around = wider, self.parents[around]
        before, after = self.text[first:start], self.text[end:last]
        return _short(f"{before}{self.text[start:end]}{after}", f"{before}{piece}{after}")

    def _expected(self, old: ast.AST, new: ast.AST) -> tuple[int, str]:
        """Which top-level statement old is in, and what it becomes."""
        top = old
        while not isinstance(self.parents[top], ast.Module):
            top = self.parents[top]
        position = self.tree.body.index(top)  # type: ignore[arg-type]
        parent = self.parents[old]
        for part, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, part, new)
                try:
                    return position, ast.unparse(self.tree.body[position])
                finally:
                    setattr(parent, part, old)
            if isinstance(value, list) and any(item is old for item in value):
                index = next(index for index, item in enumerate(value) if item is old)
                value[index] = new
                try:
                    return position, ast.unparse(self.tree.body[position])
                finally:
                    value[index] = old
        raise AssertionError("a node is among the children of its parent")

    def _written(self, new: ast.AST, parentheses: bool) -> str:
        """new as text, with the pieces of the reference in it as they stand there."""
        pieces: list[str] = []
        text = ast.unparse(ast.fix_missing_locations(self._template(new, pieces, parentheses)))
        return _HOLE.sub(lambda match: pieces[int(match[1])], text)

    def _template(self, node: ast.AST, pieces: list[str], parentheses: bool) -> ast.AST:
        """A copy of node with a name for each piece of the reference in it."""
        if node in self.parents and hasattr(node, "lineno"):
            start, end = self._span(node)
            text = self.text[start:end]
            pieces.append(f"({text})" if parentheses and not isinstance(node, _ATOMS) else text)
            hole = name(f"hole_{len(pieces) - 1}_")
            return ast.keyword(f"hole_{len(pieces) - 1}_", hole) if isinstance(node, ast.keyword) else hole
        made = copy.copy(node)
        for part, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                setattr(made, part, self._template(value, pieces, parentheses))
            elif isinstance(value, list):
                items = [self._template(v, pieces, parentheses) if isinstance(v, ast.AST) else v for v in value]
                setattr(made, part, items)
        return made

    def _span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node begins and ends in the text."""
        first, start, last, end = _place(node)
        return self._offset(first, start), self._offset(last, end)

    def _offset(self, row: int, column: int) -> int:
        before = sum(len(text) for text in self._rows[: row - 1])
        return before + len(self._rows[row - 1].encode()[:column].decode())


def _place(node: ast.AST) -> tuple[int, int, int, int]:
    assert isinstance(node, (ast.expr, ast.stmt, ast.keyword, ast.ExceptHandler))
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _changeable(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node that may be changed; default values have an operator of their own."""
    for part, value in ast.iter_fields(node):
        if part in ("annotation", "returns", "args", "bases", "keywords") and not isinstance(node, ast.Call):
            continue
        for child in value if isinstance(value, list) else [value]:
            is_child = isinstance(child, ast.AST) and not isinstance(child, ast.expr_context)
            if is_child and (part != "decorator_list" or _is_grad_mode(child)):
                yield child


def _is_grad_mode(node: ast.AST) -> bool:
    function = node.func if isinstance(node, ast.Call) else node
    return isinstance(function, ast.Attribute) and function.attr in _GRAD_MODES


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_all(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and any(root(target) == "__all__" for target in node.targets)


def _is_idle(parent: ast.AST, new: ast.AST) -> bool:
    """Whether an assignment would assign what is there, which the same without the statement says better."""
    return isinstance(parent, ast.Assign) and [ast.unparse(target) for target in parent.targets] == [ast.unparse(new)]


def _is_program(source: str, position: int, expected: str) -> bool:
    try:
        tree = ast.parse(source)
        if len(tree.body) <= position or ast.unparse(tree.body[position]) != expected:
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("error", SyntaxWarning)  # nobody would keep what Python itself warns of
            compile(tree, "<mutant>", "exec", dont_inherit=True)
    except (SyntaxError, SyntaxWarning, ValueError):
        return False
    return True


def _short(was: str, now: str) -> tuple[str, str]:
    """Two pieces, without what they share far from where they differ."""
    if max(len(was), len(now)) <= _LONG:
        return was, now
    least = min(len(was), len(now))
    front = next((i for i in range(least) if was[i] != now[i]), least)
    back = next((i for i in range(least - front) if was[-1 - i] != now[-1 - i]), least - front)
    front, back = max(0, front - _AROUND), max(0, back - _AROUND)
    while front and was[front - 1].isalnum():
        front -= 1
    while back and was[-back].isalnum():
        back -= 1
    head, tail = "… " if front else "", " …" if back else ""
    first, second = (text[front : len(text) - back].strip() for text in (was, now))
    return f"{head}{first}{tail}", f"{head}{second}{tail}"
