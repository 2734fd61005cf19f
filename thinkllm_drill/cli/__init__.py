"""The command `thinkllm`: one file a verb, each imported when it is called for.

`main` runs a command line and returns its exit code:
0 done or passed, 1 graded and not passed, 2 usage, 3 environment or content, 4 internal, 130 Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

PROGRAM = "thinkllm"
COMPLETION = "_THINKLLM_COMPLETE"
"""The environment variable by which a shell asks for completions."""

VERBS = {
    "practise": {
        "next": "next_",
        "drill": "drill",
        "show": "show",
        "check": "check",
        "watch": "watch",
        "debug": "debug",
        "hint": "hint",
        "solution": "solution",
        "reset": "reset",
        "mock": "mock",
        "quiz": "quiz",
        "review": "review",
    },
    "look": {"list": "list_", "progress": "progress"},
    "manage": {"config": "config", "doctor": "doctor", "service": "service", "dev": "dev"},
}
"""The verbs by section of the help page, each with the module that holds it."""

MODULES = {verb: module for section in VERBS.values() for verb, module in section.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `thinkllm` with these arguments (those of the process by default) and return its exit code."""
    from thinkllm_drill.cli.framework import complete, run

    if os.environ.get(COMPLETION):
        return complete()
    return run(list(sys.argv[1:] if argv is None else argv))
