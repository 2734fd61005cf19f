"""Says what a piece of the attempt's source calls: only to make a message better, never to find anything forbidden."""

from __future__ import annotations

import ast
import linecache
import types
from collections.abc import Iterable

LONGEST = 60


def used_at(frame: types.FrameType) -> str:
    """The text of what the frame is calling just now: `x.softmax` of `return x.softmax(-1)`; empty if it is unknown."""
    positions = list(frame.f_code.co_positions())
    where = positions[frame.f_lasti // 2] if 0 <= frame.f_lasti // 2 < len(positions) else None
    if where is None or None in where:
        return ""
    first, last, start, end = where
    lines = [linecache.getline(frame.f_code.co_filename, number) for number in range(first or 0, (last or 0) + 1)]
    if not lines:
        return ""
    encoded = [line.encode() for line in lines]  # columns are counted in bytes
    encoded[-1] = encoded[-1][:end]
    encoded[0] = encoded[0][start:]
    return callee(b"".join(encoded).decode(errors="replace"))


def callee(expression: str) -> str:
    """The function in the text of a call, on one line; the whole text where it is no call."""
    text = expression.strip()
    try:
        tree = ast.parse(text, mode="eval").body
        text = ast.unparse(tree.func if isinstance(tree, ast.Call) else tree)
    except (SyntaxError, ValueError):
        pass
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def find(source: str, paths: Iterable[str]) -> tuple[int, str] | None:
    """Line and text of the first mention of one of the dotted `paths` in the source, by whatever alias.

    A method of the same name as one of them comes second, a word in quotes third. The source's own functions, classes
    and variables are none of these.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    wanted = set(paths)
    words = {path.rpartition(".")[2] for path in wanted}
    names = _Names(tree)
    found: list[tuple[int, int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            meant = names.meaning(node)
            if meant in wanted:
                found.append((0, node.lineno, callee(ast.unparse(node))))
            elif isinstance(node, ast.Attribute) and node.attr in words - names.own and meant is None:
                found.append((1, node.lineno, callee(ast.unparse(node))))
        elif isinstance(node, ast.ImportFrom | ast.Import) and wanted & set(_imported(node).values()):
            found.append((3, node.lineno, callee(ast.unparse(node))))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in words:
            found.append((2, node.lineno, callee(ast.unparse(node))))
    if not found:
        return None
    _, line, text = min(found)
    return line, text


class _Names:
    """What the names of a source stand for: a dotted path for imports and their aliases, nothing for its own."""

    def __init__(self, tree: ast.AST) -> None:
        self._known: dict[str, str] = {}
        own: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom | ast.Import):
                self._known |= _imported(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.arg):
                own.add(node.arg)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                meant = self.meaning(node.value) if isinstance(node.value, ast.Name | ast.Attribute) else None
                if meant is None:
                    own.add(node.targets[0].id)
                else:
                    self._known.setdefault(node.targets[0].id, meant)
        for name in own:
            self._known.pop(name, None)
        self.own = own

    def meaning(self, node: ast.AST) -> str | None:
        """The dotted path that a name or an attribute stands for; None for the source's own and for values."""
        if isinstance(node, ast.Name):
            return self._known.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self.meaning(node.value)
            return None if base is None else f"{base}.{node.attr}"
        return None


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {
        alias.asname or alias.name.partition(".")[0]: alias.name if alias.asname else alias.name.partition(".")[0]
        for alias in node.names
    }
