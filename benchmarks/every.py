"""`thinkllm check --all` over all references, against the sum of warm verdicts one after the other.

python benchmarks/every.py [ROUNDS] [SLUG…]
"""

from __future__ import annotations

import importlib.util
import sys
import time

from bench import THINKLLM, Figures, graded, heading, interleaved, own_service, references_as_attempts, timed

from thinkllm_drill.content.library import Library


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    library = Library.open()
    known = [s for s in library.slugs() if all(importlib.util.find_spec(n) for n in library.exercise(s).needs)]
    slugs = sys.argv[2:] or known
    figures = Figures()
    with own_service() as home:
        references_as_attempts(library, home, slugs)
        every = [*THINKLLM, "check", "--all"]

        def singly() -> float:
            start = time.perf_counter()
            for slug in slugs:
                assert graded(library, slug).passed, slug
            return time.perf_counter() - start

        def processes() -> float:
            return sum(timed([*THINKLLM, "check", slug]) for slug in slugs)

        tasks = {"one by one": singly, "check --all": lambda: timed(every), "check, one by one": processes}
        seconds = interleaved(rounds, tasks)
    heading(f"All {len(slugs)} exercises, seconds")
    verdicts, whole = seconds["one by one"], seconds["check, one by one"]
    figures.add("verdicts, one by one", verdicts)
    figures.add("thinkllm check, one by one", whole)
    figures.add("check --all", seconds["check --all"], "thinkllm check, one by one", whole, ratio_goal=0.6)
    figures.add("check --all, verdicts", seconds["check --all"], "verdicts, one by one", verdicts)
    figures.save()


if __name__ == "__main__":
    main()
