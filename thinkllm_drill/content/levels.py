"""The two levels that know no blanks: "body" cuts every function's body, "blank" leaves only the names to define."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from thinkllm_drill.content.lines import Edit, tidy, unfilled
from thinkllm_drill.content.regions import parse, regions

Function = ast.FunctionDef | ast.AsyncFunctionDef
_DATA_BASES = ("NamedTuple", "TypedDict", "Protocol", "Enum", "IntEnum", "StrEnum")


def body(source: str, *, file: Path | None = None) -> str:
    """A reference with its signatures, docstrings, constants, data classes and `region keep`; the rest is cut.

    Functions and classes whose names start with an underscore go, unless they are kept.
    """
    return _Body(source, file).render()


def blank(source: str, *, file: Path | None = None) -> str:
    """The module docstring and the imports of a reference, what it keeps at module level, and the names to define."""
    tree = parse(source, file)
    kept = [region for region in regions(source, file) if region.kind == "keep"]
    given: list[str] = []
    wanted: list[str] = []
    lines = source.splitlines()
    for node in tree.body:
        text = lines[_first_line(node) - 1 : node.end_lineno]
        region = next((region for region in kept if region.holds(_first_line(node), node.end_lineno or 0)), None)
        if node is tree.body[0] and _is_text(node):
            given += [*text, ""]
        elif _imports(node):
            parted = given and given[-1] and not lines[_first_line(node) - 2].strip()
            given += ["", *text] if parted else text
        elif region:
            given += ["", "", *lines[region.start : region.end - 1]]
            kept.remove(region)
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and not _is_private(node.name):
            wanted += ["", *_outline(node)]
    return tidy([*given, "", *wanted], file=file)


class _Body:
    """Cuts the bodies of one reference."""

    def __init__(self, source: str, file: Path | None) -> None:
        self.source = source
        self.file = file
        self.lines = source.splitlines()
        self.tree = parse(source, file)
        self.regions = regions(source, file)
        self.keeps = [region for region in self.regions if region.kind == "keep"]
        self.header_ends = _logical_lines(source)
        self.edit = Edit()
        self.number = 0

    def render(self) -> str:
        for region in self.regions:
            self.edit.drop((region.start, region.end))
        self.cut_members(self.tree.body, "")
        return tidy(self.edit.apply(self.source), file=self.file)

    def cut_members(self, members: Sequence[ast.stmt], prefix: str) -> int:
        """How many of the members remain, after cutting what is to be cut."""
        remaining = 0
        for node in members:
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and not self.is_kept(node):
                if _is_private(node.name):
                    self.drop(node)
                    continue
                if isinstance(node, ast.ClassDef):
                    self.cut_class(node, prefix)
                else:
                    self.cut_function(node, prefix + node.name)
            remaining += 1
        return remaining

    def cut_class(self, node: ast.ClassDef, prefix: str) -> None:
        end = node.end_lineno or node.lineno
        if _is_data(node) and not any(node.lineno < region.start <= end for region in self.regions):
            return
        if not self.cut_members(node.body, f"{prefix}{node.name}."):
            self.edit.insert(end + 1, [" " * node.body[0].col_offset + "pass"])

    def cut_function(self, node: Function, name: str) -> None:
        if all(_is_trivial(statement) for statement in node.body):
            return
        header = self.header_ends[node.lineno]
        if _is_text(node.body[0]):
            header = node.body[0].end_lineno or header
        lines = [line for line in range(header + 1, self.end(node) + 1) if not self.keeps_line(line)]
        filled = [line for line in lines if self.lines[line - 1].strip() and line not in self.edit.dropped]
        indent = " " * node.body[-1].col_offset
        if node.body[-1].lineno == self.header_ends[node.lineno]:  # all in one line
            line = node.body[0].lineno
            text = self.lines[line - 1].encode()[: node.body[0].col_offset].decode()
            self.edit.replaced[line] = text.rstrip()
            indent = " " * (node.col_offset + 4)
            filled, header = [line + 1], line
        if not filled:
            return
        self.number += 1
        self.edit.drop(line for line in lines if line > header)
        self.edit.insert(filled[0], [indent + unfilled(self.number, name)])

    def drop(self, node: ast.stmt) -> None:
        first = _first_line(node)
        while first > 1 and self.is_comment(first - 1) and first - 1 not in self.edit.dropped:
            first -= 1
        self.edit.drop(range(first, self.end(node) + 1))

    def end(self, node: ast.stmt) -> int:
        """The last line of a definition, with the comments that follow at the depth of its body."""
        line = end = node.end_lineno or node.lineno
        while line < len(self.lines):
            text = self.lines[line]
            line += 1
            if not text.strip():
                continue
            if not self.is_comment(line) or len(text) - len(text.lstrip()) <= node.col_offset:
                break
            end = line
        return end

    def is_comment(self, line: int) -> bool:
        return self.lines[line - 1].lstrip().startswith("#")

    def is_kept(self, node: ast.stmt) -> bool:
        return any(region.holds(_first_line(node), node.end_lineno or node.lineno) for region in self.keeps)

    def keeps_line(self, line: int) -> bool:
        return any(region.start <= line <= region.end for region in self.keeps)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _logical_lines(source: str) -> dict[int, int]:
    """For each physical line, the last one of the logical line that it is part of."""
    ends: dict[int, int] = {}
    start: int | None = None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT):
            continue
        start = start or token.start[0]
        if token.type == tokenize.NEWLINE:
            ends.update(dict.fromkeys(range(start, token.start[0] + 1), token.start[0]))
            start = None
    return ends


def _outline(node: Function | ast.ClassDef) -> Iterator[str]:
    """Comment lines that say what to define."""
    yield from (f"# @{ast.unparse(decorator)}" for decorator in node.decorator_list)
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        yield f"# class {node.name}({bases})" if bases else f"# class {node.name}"
        yield from _first_docline(node, "#     ")
        for member in node.body:
            if isinstance(member, ast.AnnAssign) and _is_data(node):
                yield f"#     {ast.unparse(member)}"
            if isinstance(member, _FUNCTIONS) and not _is_private(member.name):
                yield from ("#    " + line[1:] for line in _outline(member))
    else:
        yield f"# {_signature(node)}"
        yield from _first_docline(node, "#     ")


def _signature(node: Function) -> str:
    """The header of a function on one line, spaced as a formatter would."""
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    words = [_argument(arg, default) for arg, default in zip(positional, defaults, strict=True)]
    if args.posonlyargs:
        words.insert(len(args.posonlyargs), "/")
    if args.vararg or args.kwonlyargs:
        words.append("*" + (_argument(args.vararg) if args.vararg else ""))
    words += [_argument(arg, default) for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    if args.kwarg:
        words.append("**" + _argument(args.kwarg))
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{'async ' if isinstance(node, ast.AsyncFunctionDef) else ''}{node.name}({', '.join(words)}){returns}"


def _argument(arg: ast.arg, default: ast.expr | None = None) -> str:
    text = f"{arg.arg}: {ast.unparse(arg.annotation)}" if arg.annotation else arg.arg
    if default is None:
        return text
    return f"{text} = {ast.unparse(default)}" if arg.annotation else f"{text}={ast.unparse(default)}"


def _first_docline(node: Function | ast.ClassDef, prefix: str) -> Iterator[str]:
    if text := ast.get_docstring(node):
        yield prefix + text.splitlines()[0]


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_trivial(node: ast.stmt) -> bool:
    """Whether a statement does nothing: a docstring, `...` or `pass`."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_data(node: ast.ClassDef) -> bool:
    """Whether a class only says what its data are."""
    parts = [ast.unparse(part) for part in (*node.decorator_list, *node.bases)]
    words = {part.split("(")[0].split("[")[0].split(".")[-1] for part in parts}
    return "dataclass" in words or not words.isdisjoint(_DATA_BASES)


def _imports(node: ast.stmt) -> bool:
    if isinstance(node, (ast.If, ast.Try)):
        return any(isinstance(part, (ast.Import, ast.ImportFrom)) for part in ast.walk(node))
    return isinstance(node, (ast.Import, ast.ImportFrom))
