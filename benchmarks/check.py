"""`thinkllm check` as a whole process, warm and cold, against `import torch` and the same cases in a cold pytest file.

    python benchmarks/check.py [ROUNDS] [SLUG…]

Warm is how a learner meets it: the service runs and has had a moment since the last verdict. Cold is the first check
of a day, which starts the service.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

from bench import (
    IMPORT_TORCH,
    ROOT,
    THINKLLM,
    Figures,
    first_words,
    heading,
    interleaved,
    own_service,
    references_as_attempts,
    timed,
)

from thinkllm_drill.content.library import Library
from thinkllm_drill.judge import daemon

SLUGS = ["softmax", "gqa", "layer-norm-backward", "adamw", "top-p", "ppo-policy-loss", "react-loop"]
PAUSE_SECONDS = 2.0
"""Between two verdicts on an exercise; a learner takes longer to save a file again."""


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    slugs = sys.argv[2:] or SLUGS
    figures = Figures()
    with own_service() as home:
        references_as_attempts(Library.open(), home, slugs)
        found = {slug: interleaved(rounds, _tasks(slug)) for slug in slugs}
    for slug, seconds in found.items():
        heading(f"thinkllm check {slug}, seconds of the whole process")
        torch, pytest = seconds["import torch"], seconds["cold pytest"]
        for name, base, words in (("warm", pytest, "cold pytest"), ("cold", torch, "import torch")):
            Figures().add(name, seconds[name], words, base)
        for name in ("import torch", "cold pytest", "first words, warm", "first words, cold"):
            Figures().add(name, seconds[name])
    heading(f"The median of {len(slugs)} exercises")
    middle = {name: _across(found, name) for name in next(iter(found.values()))}
    figures.add("import torch", middle["import torch"])
    figures.add("cold pytest", middle["cold pytest"])
    figures.add("check, warm", middle["warm"], "cold pytest", middle["cold pytest"], goal=0.35, ratio_goal=0.1)
    figures.add("check, cold", middle["cold"], "import torch", middle["import torch"], ratio_goal=1.3)
    figures.add("first words, warm", middle["first words, warm"], goal=0.2)
    figures.add("first words, cold", middle["first words, cold"], goal=0.2)
    figures.save()


def _across(found: dict[str, dict[str, list[float]]], name: str) -> list[float]:
    """Round by round, the median of the exercises."""
    return [statistics.median(values) for values in zip(*(seconds[name] for seconds in found.values()), strict=True)]


def _tasks(slug: str) -> dict[str, object]:
    check = [*THINKLLM, "check", slug]
    plain = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "benchmarks/plain.py"]

    def pytest() -> float:
        os.environ["PLAIN_SLUG"] = slug
        return timed(plain, cwd=ROOT)

    def cold(run: object = timed) -> float:
        daemon.stop_service()
        time.sleep(0.2)
        return run(check)  # type: ignore[operator, no-any-return]

    def warm(run: object = timed) -> float:
        timed(check)
        time.sleep(PAUSE_SECONDS)
        return run(check)  # type: ignore[operator, no-any-return]

    return {
        "import torch": lambda: timed(IMPORT_TORCH),
        "cold pytest": pytest,
        "cold": cold,
        "warm": warm,
        "first words, warm": lambda: warm(first_words),
        "first words, cold": lambda: cold(first_words),
    }


if __name__ == "__main__":
    main()
