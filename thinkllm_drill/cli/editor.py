"""Opens a file in the learner's editor, where there is something to write."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import EnvironmentProblem, ThinkLLMError
from thinkllm_drill.locale import text

_PLUS = ("vi", "vim", "nvim", "gvim", "view", "nano", "emacs", "emacsclient", "kak", "micro", "joe", "jed", "ne")
"""Editors that take `+LINE` before the file."""
_GOTO = ("code", "code-insiders", "codium", "vscodium", "cursor", "windsurf")
"""Editors that take `--goto FILE:LINE`."""
_COLON = ("hx", "helix", "subl", "zed")
"""Editors that take `FILE:LINE`."""


def open_editor(session: Session, path: Path) -> None:
    """Open a file in the learner's editor, at its first blank, and wait for it."""
    editor = session.settings.editor or ("notepad" if sys.platform == "win32" else "vi")
    words = shlex.split(editor, posix=sys.platform != "win32")
    if not words or shutil.which(words[0]) is None:
        raise EnvironmentProblem(text("cli.drill.no_editor", editor=editor), hint="thinkllm config set editor vim")
    code = subprocess.call([*words, *arguments(words[0], path, _first_line(session, path))])
    if code:
        session.err.write(text("cli.drill.editor_failed", editor=words[0], code=code))


def arguments(editor: str, path: Path, line: int | None) -> list[str]:
    """The arguments with which an editor opens a file at a line, as far as it is known how."""
    name = Path(editor).name.lower().removesuffix(".exe").removesuffix(".cmd")
    if line is None:
        return [str(path)]
    if name in _PLUS:
        return [f"+{line}", str(path)]
    if name in _GOTO:
        return ["--goto", f"{path}:{line}"]
    return [f"{path}:{line}"] if name in _COLON else [str(path)]


def _first_line(session: Session, path: Path) -> int | None:
    """The line of the first blank; None where there is none or the file cannot be read."""
    from thinkllm_drill.content.attempt import NotStarted, Started, state

    try:
        found = state(session.workspace.read(path))
    except ThinkLLMError:
        return None
    if isinstance(found, NotStarted):
        return found.first.line if found.first else None
    return min((blank.line for blank in found.open), default=None) if isinstance(found, Started) else None
