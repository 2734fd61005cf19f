"""The learner's file: how it is made, and what can be said of it without running it."""

from __future__ import annotations

import ast
import hashlib
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from thinkllm_drill.content.blanks import LEVELS, Level, OpenBlank, open_blanks, open_blanks_of
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.content.library import Library
    from thinkllm_drill.content.model import Exercise
    from thinkllm_drill.content.statement import Statement

LARGEST = 1 << 20
"""Bytes of the largest attempt that is read."""

_HEADER = re.compile(r"# thinkllm-drill (\S+) · (\w+) · ([0-9a-f]{10})(?: · ([\d,]+))?\s*")
_HEADER_WITHIN = 4
"""Lines: a learner may put a coding cookie or a blank line above the header."""
_COLUMNS = 88


@dataclass(frozen=True)
class Header:
    """The first line of an attempt: what it was rendered from."""

    slug: str
    level: Level
    stub_hash: str
    blanks: tuple[int, ...] = ()
    """The numbers of the blanks that it was given with."""


@dataclass(frozen=True)
class SyntaxProblem:
    """Python cannot read the attempt; line and column count from 1."""

    line: int
    column: int
    message: str
    text: str


@dataclass(frozen=True)
class NotStarted:
    """No blank is filled; `first` is the first one, if the level has any."""

    first: OpenBlank | None
    emptied: bool = False
    """Whether there is no code at all, though some was handed out."""


@dataclass(frozen=True)
class Started:
    """Something is written; `open` are the blanks that are left."""

    open: tuple[OpenBlank, ...]


AttemptState = SyntaxProblem | NotStarted | Started


def render_attempt(
    exercise: Exercise, statement: Statement, code: str, *, level: Level, lang: str, interview: bool = False
) -> str:
    """The file that a learner gets: the task as comments, then the code.

    Args:
        exercise: the facts.
        statement: the task, in `lang`.
        code: the stub.
        level: what the stub was rendered at.
        lang: "en" or "zh".
        interview: whether it is asked in a mock interview, where other commands are typed.
    """
    import jinja2

    from thinkllm_drill.content.comments import comment_lines

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    say = partial(_say, lang)
    commands = [("thinkllm check", say("check")), (f"thinkllm show {exercise.slug}", say("show"))]
    if exercise.hint:
        commands.insert(1, (f"thinkllm hint {exercise.slug}", say("hint")))
    if interview:
        commands = [(f"thinkllm mock {verb}", say(f"mock_{verb}")) for verb in ("check", "submit", "status")]
    return environment.get_template("attempt.py.jinja").render(
        exercise=exercise,
        title=statement.title,
        difficulty=text(f"content.difficulty.{exercise.difficulty}", lang),
        statement=comment_lines(statement, _COLUMNS),
        code=code,
        level=level,
        names=", ".join(exercise.api),
        stub_hash=stub_hash(code),
        blanks=[blank.number for blank in open_blanks(code)],
        commands=commands,
        column=max(len(command) for command, _ in commands),
        say=say,
    )


def new_attempt(
    library: Library, slug: str, level: Level, lang: str, *, seed: str | None = None, interview: bool = False
) -> str:
    """The file that a learner gets for an exercise at a level.

    Args:
        library: the exercises.
        slug, level: what is wanted.
        lang: "en" or "zh".
        seed: chooses the planted mistake, or the blanks that are cut.
        interview: as `render_attempt` takes it.
    """
    from thinkllm_drill.content.statement import load
    from thinkllm_drill.content.stubs import render_stub

    stub = render_stub(library, slug, level, seed=seed)
    task = load(library.paths(slug).statement(lang), lang)
    return render_attempt(library.exercise(slug), task, stub.code, level=stub.level, lang=lang, interview=interview)


def code_of(source: bytes) -> str:
    """The code of an attempt, without the task above it."""
    lines = source.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")
    start = next((number for number, line in enumerate(lines) if not line.startswith("#")), 0)
    return "\n".join(lines[start:]).strip("\n") + "\n"


def _say(lang: str, key: str, **values: object) -> str:
    return text(f"content.attempt.{key}", lang, **values)


def stub_hash(source: str) -> str:
    """Ten hex digits of the code's syntax tree; comments and layout do not count, nor does the version of Python."""
    return _tree_hash(ast.parse(source))


def read_header(source: str) -> Header | None:
    """The header of an attempt, if it still has one."""
    for line in source.lstrip("\ufeff").splitlines()[:_HEADER_WITHIN]:
        if (match := _HEADER.fullmatch(line)) and match[2] in LEVELS:
            level = next(level for level in LEVELS if level == match[2])
            numbers = tuple(int(number) for number in (match[4] or "").split(",") if number)
            return Header(match[1], level, match[3], numbers)
    return None


def is_emptied(source: bytes) -> bool:
    """Whether an attempt holds no code any more."""
    found = state(source)
    return isinstance(found, NotStarted) and found.emptied


def state(source: bytes) -> AttemptState:
    """How far an attempt is, from its text alone."""
    parsed = _parse(source)
    if isinstance(parsed, SyntaxProblem):
        return parsed
    code, tree = parsed
    left = open_blanks_of(tree)
    first = left[0] if left else None
    header = read_header(code)
    if header and header.stub_hash == _tree_hash(tree):
        return NotStarted(first)
    if all(_says_nothing(node) for node in tree.body):
        return NotStarted(first, emptied=True)
    if header and header.blanks and set(header.blanks) <= {blank.number for blank in left}:
        return NotStarted(first)
    return Started(left)


def _says_nothing(node: ast.stmt) -> bool:
    idle = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return idle or isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass))


def _parse(source: bytes) -> tuple[str, ast.Module] | SyntaxProblem:
    code = _decode(source)
    if isinstance(code, SyntaxProblem):
        return code
    lines = code.splitlines() or [""]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
            compile(tree, "<attempt>", "exec", dont_inherit=True)  # what the parser lets through: a stray return
    except SyntaxError as error:
        line = min(max(error.lineno or 1, 1), len(lines))
        shown = lines[line - 1]
        return SyntaxProblem(line, min(max(error.offset or 1, 1), len(shown) + 1), error.msg, shown)
    except (RecursionError, MemoryError):
        return SyntaxProblem(1, 1, text("content.syntax.deep"), lines[0])
    except ValueError as error:
        return SyntaxProblem(1, 1, text("content.syntax.other", message=error), lines[0])
    return code, tree


def _decode(source: bytes) -> str | SyntaxProblem:
    if len(source) > LARGEST:
        return SyntaxProblem(1, 1, text("content.syntax.large", limit="1 MiB"), "")
    if (null := source.find(b"\0")) >= 0:
        return _problem_at(source, null, text("content.syntax.null"))
    encoding = "utf-8"
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        code = source.decode(encoding)
    except UnicodeDecodeError as error:
        return _problem_at(source, error.start, text("content.syntax.undecodable", encoding="UTF-8"))
    except SyntaxError as error:
        return _encoding_problem(source, str(error))
    except (LookupError, UnicodeError):
        return _problem_at(source, 0, text("content.syntax.encoding", encoding=encoding))
    return code.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _encoding_problem(source: bytes, message: str) -> SyntaxProblem:
    try:
        source.decode("utf-8")
    except UnicodeDecodeError as error:
        return _problem_at(source, error.start, text("content.syntax.undecodable", encoding="UTF-8"))
    name = message.removeprefix("unknown encoding: ").removeprefix("encoding problem: ")
    return _problem_at(source, 0, text("content.syntax.encoding", encoding=name))


def _problem_at(source: bytes, position: int, message: str) -> SyntaxProblem:
    start = max(source.rfind(b"\n", 0, position), source.rfind(b"\r", 0, position)) + 1
    shown = (source[start:].splitlines() or [b""])[0].decode("utf-8", "replace")
    line = len(source[:start].splitlines()) + 1
    column = len(source[start:position].decode("utf-8", "replace")) + 1
    return SyntaxProblem(line, column, message, shown)


def _tree_hash(tree: ast.Module) -> str:
    return hashlib.sha256("".join(_dump(tree)).encode("utf-8", "surrogatepass")).hexdigest()[:10]


def _dump(tree: ast.AST) -> Iterator[str]:
    """What `ast.dump` says, without recursion and without what differs between versions of Python."""
    stack: list[object] = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.AST):
            yield f"({type(item).__name__}"
            stack.append(_END)
            for name, value in reversed(list(ast.iter_fields(item))):
                if value is not None and value != [] and name not in ("ctx", "kind", "type_comment"):
                    stack += [value, _Name(f" {name}=")]
            if isinstance(item, ast.Constant) and item.value is None:
                yield " None"
        elif isinstance(item, list):
            stack += [_Name("]"), *reversed(item), _Name("[")]
        else:
            yield item.text if isinstance(item, _Name) else repr(item)


@dataclass(frozen=True)
class _Name:
    text: str


_END = _Name(")")
