"""Checks of the reference, of what is rendered from it, and of the right answers beside it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from thinkllm_drill.author.report import Findings
from thinkllm_drill.content.blanks import LEVELS, blanks, render
from thinkllm_drill.content.library import Library, Paths
from thinkllm_drill.content.model import Exercise
from thinkllm_drill.content.regions import parse
from thinkllm_drill.content.stubs import committed_stub
from thinkllm_drill.content.tables import read_text

_ALLOWED = frozenset({"torch", "numpy", "__future__"}) | sys.stdlib_module_names
_LINE_LENGTH = 120


def check(library: Library, exercise: Exercise, paths: Paths, found: Findings) -> None:
    """Look for problems in the reference, the committed stub, and the honest variants."""
    with found.guard(paths.solution):
        source = read_text(paths.solution)
        tree = parse(source, paths.solution)
        if not blanks(source, file=paths.solution):
            found.add(paths.solution, 1, "no `# region blank: prompt`")
        for line, message in [*_imports(tree, exercise), *_missing_names(tree, exercise)]:
            found.add(paths.solution, line, message)
        for level in LEVELS:
            render(source, level, file=paths.solution)
        for line, name in _needed_but_cut(source):
            found.add(
                paths.solution, line, f"{name} is used where a level keeps it, but is cut: put it in a `# region keep`"
            )
        _check_stub(library, exercise.slug, paths, found)
        if untidy := _untidy(paths.solution):
            found.add(paths.solution, untidy, f"not as ruff formats it; run: ruff format {paths.solution.name}")
    for path in paths.honest_files:
        with found.guard(path):
            for line, message in _missing_names(parse(read_text(path), path), exercise):
                found.add(path, line, message)
    if paths.grader.is_file():
        with found.guard(paths.grader):
            parse(read_text(paths.grader), paths.grader)
    if len(paths.honest_files) < 2:
        found.add(
            paths.grader, 1, f"{len(paths.honest_files)} honest variants; at least 2: {paths.name}.honest.<id>.py"
        )


def first_difference(actual: str, expected: str) -> int | None:
    """The first line in which two texts differ."""
    lines = zip_longest(actual.splitlines(keepends=True), expected.splitlines(keepends=True))
    return next((number for number, (ours, theirs) in enumerate(lines, start=1) if ours != theirs), None)


def _check_stub(library: Library, slug: str, paths: Paths, found: Findings) -> None:
    if not paths.stub.is_file():
        return
    if line := first_difference(read_text(paths.stub), committed_stub(library, slug)):
        found.add(paths.stub, line, f"differs from its reference from here on; run: thinkllm dev render {slug}")


def _imports(tree: ast.Module, exercise: Exercise) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "a reference imports nothing from its neighbours"
            continue
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for name in sorted({module.partition(".")[0] for module in modules} - _ALLOWED - set(exercise.needs)):
            yield node.lineno, f"imports {name}; a reference imports torch, numpy and the standard library only"


def _missing_names(tree: ast.Module, exercise: Exercise) -> Iterator[tuple[int, str]]:
    defined = _defined(tree)
    for name in exercise.api:
        if name not in defined:
            yield 1, f"does not define {name}, which `api` names"


def _needed_but_cut(source: str) -> Iterator[tuple[int, str]]:
    """Line in the reference and name of what level "body" cuts although it keeps a use of it."""
    reference, stub = ast.parse(source), ast.parse(render(source, "body"))
    cut = (_defined(reference) - _defined(stub)) | (_methods(reference) - _methods(stub))
    used: set[str] = set()
    for node in ast.walk(stub):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            used.add(node.attr)
    for node in ast.walk(reference):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name in cut & used:
            yield node.lineno, node.name


def _defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.If, ast.Try)):
            names.update(
                part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            )
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


def _methods(tree: ast.Module) -> set[str]:
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {member.name for node in classes for member in node.body if isinstance(member, ast.FunctionDef)}


def _untidy(path: Path) -> int | None:
    """The first line that ruff would format differently; None if there is none, or no ruff."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if not ruff:
        return None
    options = [
        "format",
        "--isolated",
        "--no-cache",
        f"--line-length={_LINE_LENGTH}",
        "--stdin-filename",
        path.name,
        "-",
    ]
    source = path.read_bytes()
    run = subprocess.run([ruff, *options], input=source, capture_output=True, check=False)
    return first_difference(source.decode(), run.stdout.decode()) if run.returncode == 0 else None
