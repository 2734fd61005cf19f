"""How long the commands take that need no torch, against importing the two libraries that every command needs.

python benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import os
import subprocess
import sys

from bench import THINKLLM, Figures, heading, interleaved, own_service, timed

BASE = "import typer, rich.console"
GOALS = {"--help": 1.5, "list": 1.5, "completion": 1.5}


def main(rounds: int) -> None:
    """Print the table."""
    figures = Figures()
    with own_service():
        os.environ["THINKLLM_SERVICE"] = "off"
        subprocess.run([*THINKLLM, "drill", "softmax"], capture_output=True, check=True)
        commands = {
            "--help": [*THINKLLM, "--help"],
            "list": [*THINKLLM, "list"],
            "hint": [*THINKLLM, "hint", "softmax"],
            "progress": [*THINKLLM, "progress"],
            "show": [*THINKLLM, "show", "softmax"],
        }
        tasks = {BASE: lambda: timed([sys.executable, "-c", BASE]), "completion": _complete}
        tasks |= {name: lambda command=command: timed(command, codes=(0, 2)) for name, command in commands.items()}
        seconds = interleaved(rounds, tasks)
        del os.environ["THINKLLM_SERVICE"]
    heading("Commands without torch, in seconds")
    base = seconds.pop(BASE)
    figures.add(BASE, base)
    for name, values in seconds.items():
        figures.add(f"thinkllm {name}", values, BASE, base, ratio_goal=GOALS.get(name))
    figures.save()


def _complete() -> float:
    """A shell asks what can follow `thinkllm check s`."""
    asked = {"_THINKLLM_COMPLETE": "complete_bash", "COMP_WORDS": "thinkllm check s", "COMP_CWORD": "2"}
    os.environ |= asked
    try:
        return timed(THINKLLM)
    finally:
        for name in asked:
            del os.environ[name]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
