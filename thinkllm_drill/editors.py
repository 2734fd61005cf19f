"""Leaves the home ready for editors: they find the interpreter, and with it the imports of an attempt.

What was written is remembered in `.editors.json`. A value that is still ours follows when the interpreter changes; what
the user wrote, changed or took out stays so. A file that is no plain JSON (comments, say) is left alone, and
so is one that cannot be written: settings are a courtesy.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from thinkllm_drill.files import write_atomically
from thinkllm_drill.locale import text

_MEMORY = ".editors.json"
_README = "README.md"


def prepare(home: Path, interpreter: str) -> list[Path]:
    """The files in `home`, which exists, that were written or changed so that editors use `interpreter`."""
    before = _remembered(home / _MEMORY)
    after = dict(before)
    written = []
    for name, wanted in _wanted(interpreter).items():
        ours = before.get(name)
        with contextlib.suppress(OSError):
            changed, after[name] = _merge(home / name, wanted, ours if isinstance(ours, dict) else {})
            written += [home / name] if changed else []
    with contextlib.suppress(OSError):
        changed, after[_README] = _readme(home / _README, interpreter, before.get(_README))
        written += [home / _README] if changed else []
    if after != before:
        with contextlib.suppress(OSError):
            write_atomically(home / _MEMORY, json.dumps(after, indent=2, ensure_ascii=False) + "\n")
    return written


def _wanted(interpreter: str) -> dict[str, dict[str, Any]]:
    """What each settings file should say, by name."""
    return {
        ".vscode/settings.json": {"python.defaultInterpreterPath": interpreter},
        "pyrightconfig.json": {"include": ["attempts"], **_environment(Path(interpreter))},
    }


def _environment(interpreter: Path) -> dict[str, str]:
    """How Pyright finds the packages: the virtual or conda environment of `interpreter`, if it is in one."""
    for prefix in interpreter.parents[:2]:  # bin/python and Scripts\python.exe, or python.exe of conda on Windows
        if (prefix / "pyvenv.cfg").is_file() or (prefix / "conda-meta").is_dir():
            return {"venvPath": str(prefix.parent), "venv": prefix.name}
    return {}


def _merge(path: Path, wanted: Mapping[str, Any], ours: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Whether `path` was written, and the values in it that are ours."""
    found = _object(path) if path.exists() else {}
    if found is None:
        return False, dict(ours)
    new = dict(found)
    mine = {key: value for key, value in ours.items() if key in wanted}
    for key in [key for key in ours if key not in wanted and key in found and found[key] == ours[key]]:
        del new[key]
    for key, value in wanted.items():
        removed = key in ours and key not in found and path.exists()
        theirs = key in found and found[key] != ours.get(key, object())
        if not removed and not theirs:
            new[key] = mine[key] = value
    if new == found and path.exists():
        return False, mine
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(new, indent=_indent(path), ensure_ascii=False) + "\n")
    return True, mine


def _object(path: Path) -> dict[str, Any] | None:
    """The JSON object in `path`; None where there is something else, such as JSON with comments."""
    try:
        data = json.loads(path.read_text("utf-8").strip() or "{}")
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _indent(path: Path) -> int | str:
    """The indentation that `path` has, so that a merge changes no other line."""
    try:
        found = re.search(r"^([ \t]+)\S", path.read_text("utf-8"), re.MULTILINE)
    except OSError:
        return 4
    return found[1] if found else 4


def _readme(path: Path, interpreter: str, ours: object) -> tuple[bool, object]:
    """Whether the README was written, and the hash of what we last wrote; one that the user took out stays out."""
    content = text("progress.workspace.readme", interpreter=interpreter)
    if path.exists():
        try:
            present = sha256(path.read_bytes()).hexdigest()
        except OSError:
            return False, ours
        if present != ours:
            return False, ours
    elif ours is not None:
        return False, ours
    wanted = sha256(content.encode()).hexdigest()
    if wanted == ours:
        return False, ours
    write_atomically(path, content)
    return True, wanted


def _remembered(path: Path) -> dict[str, Any]:
    return (_object(path) or {}) if path.exists() else {}
