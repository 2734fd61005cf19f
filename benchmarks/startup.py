"""How long the commands take that need no torch, against importing the two libraries that every command needs.

    python benchmarks/startup.py [ROUNDS]

Runs are interleaved, so that a busy machine slows all of them alike; medians in milliseconds, and ratios to the base.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

BASE = [sys.executable, "-c", "import typer, rich.console"]
THINKLLM = [sys.executable, "-m", "thinkllm_drill"]
COMMANDS = {
    "import typer, rich.console": BASE,
    "thinkllm --help": [*THINKLLM, "--help"],
    "thinkllm list": [*THINKLLM, "list"],
    "thinkllm hint": [*THINKLLM, "hint", "softmax", "--again"],
    "thinkllm progress": [*THINKLLM, "progress"],
    "thinkllm show": [*THINKLLM, "show", "softmax"],
}


def main(rounds: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"THINKLLM_HOME": home, "THINKLLM_SERVICE": "off"}
        subprocess.run([*THINKLLM, "drill", "softmax"], env=environment, capture_output=True, check=True)
        seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(rounds):
            for name, command in COMMANDS.items():
                start = time.perf_counter()
                subprocess.run(command, env=environment, capture_output=True, check=False)
                seconds[name].append(time.perf_counter() - start)
    base = statistics.median(seconds["import typer, rich.console"])
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:28} {1000 * median:6.0f} ms   {median / base:4.2f} ×")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
