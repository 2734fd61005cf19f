"""An exception of the attempt as data: its type, its message and the learner's own lines."""

from __future__ import annotations

import ast
import io
import linecache
import tokenize
import types
from collections.abc import Iterable
from typing import Any

import torch

from thinkllm_drill.judge.wire import safe_str

MAX_FRAMES = 12


def plain(type_name: str, message: str) -> dict[str, Any]:
    """An exception without frames."""
    return {"type": type_name, "message": message, "bases": [type_name], "frames": [], "shapes": {}}


def describe(error: BaseException, filenames: set[str | None]) -> dict[str, Any]:
    """Type, message, base types, the frames in `filenames` and the shapes of the tensors named in the last one."""
    tree = plain(type(error).__name__, safe_str(error))
    tree["bases"] = [cls.__name__ for cls in type(error).__mro__]
    if isinstance(error, SyntaxError) and error.filename in filenames:
        line = (error.text or "").rstrip("\n")
        tree["frames"] = [{"line": error.lineno or 0, "function": "", "code": line}]
        tree["message"] = error.msg
        return tree
    found: list[tuple[types.FrameType, int]] = []
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename in filenames:
            found.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    tree["frames"] = _few(found)
    if found:
        tree["shapes"] = _shapes(*found[-1])
    return tree


def frames_of(stack: Iterable[types.FrameType]) -> list[dict[str, Any]]:
    """Running frames, outermost first, as `describe` gives those of an exception."""
    return _few([(frame, frame.f_lineno) for frame in stack])


def decoded(source: bytes) -> str:
    """The text of Python source bytes by their BOM or coding line, with what cannot be decoded replaced."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        return source.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return source.decode("utf-8", errors="replace")


def _few(found: list[tuple[types.FrameType, int]]) -> list[dict[str, Any]]:
    if len(found) > MAX_FRAMES:
        found = [*found[: MAX_FRAMES // 2], *found[-MAX_FRAMES // 2 :]]
    return [_frame(frame, line) for frame, line in found]


def _frame(frame: types.FrameType, line: int) -> dict[str, Any]:
    code = frame.f_code
    name = getattr(code, "co_qualname", code.co_name)
    text = linecache.getline(code.co_filename, line).strip()
    return {"line": line, "function": "" if name == "<module>" else name.replace("<locals>.", ""), "code": text[:200]}


def _shapes(frame: types.FrameType, line: int) -> dict[str, str]:
    """`name: (2, 3)` for the tensors that the line names, in the order of naming."""
    text = linecache.getline(frame.f_code.co_filename, line).strip().rstrip(":")
    try:
        names = [node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
    except (SyntaxError, ValueError):
        names = [word for word in frame.f_locals if word in text]
    shapes: dict[str, str] = {}
    for name in names:
        value = frame.f_locals.get(name)
        if isinstance(value, torch.Tensor) and len(shapes) < 6:
            shapes[name] = str(tuple(value.shape))
    return shapes
