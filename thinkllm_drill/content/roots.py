"""Where the exercises are: THINKLLM_CONTENT, the checkout, or the wheel."""

from __future__ import annotations

import os
from pathlib import Path

from thinkllm_drill.errors import ContentError

PACKAGE = Path(__file__).resolve().parents[1]
FOLDERS = ("exercises", "solutions", "graders")


def find_root() -> Path:
    """The folder that holds exercises/, solutions/ and graders/.

    THINKLLM_CONTENT decides where it is set; else the checkout that the package lies in, else the wheel's own copy.

    Raises:
        ContentError: there is none, or THINKLLM_CONTENT points to a folder without exercises/.
    """
    if chosen := os.environ.get("THINKLLM_CONTENT"):
        root = Path(chosen).expanduser().absolute()
        if not (root / "exercises").is_dir():
            raise _problem("not_content", path=root)
        return root
    for root in (PACKAGE.parent, PACKAGE / "_content"):
        if all((root / folder).is_dir() for folder in FOLDERS):
            return root
    raise _problem("missing")


def _problem(name: str, path: Path | None = None) -> ContentError:
    from thinkllm_drill.locale import text

    return ContentError(text(f"content.root.{name}", path=path), hint=text(f"content.root.{name}_hint"))
