"""How long a warm verdict takes, and how many mutants a second are graded.

    python benchmarks/grading.py [--no-mutants] [ROUNDS] [SLUG…]

Every round grades the reference of each exercise twice, through a warm service: at once, and again after a pause, as a
learner does who goes on with an exercise and finds a judge prepared. It also starts an interpreter that imports torch,
so that all are measured under the same conditions; medians and ratios are of the rounds.
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import time

from bench import Figures, graded, heading, own_service, p95

from thinkllm_drill.author.mutants import mutants
from thinkllm_drill.author.mutate import CALL_SECONDS
from thinkllm_drill.content.library import Library
from thinkllm_drill.judge import authoring

PAUSE_SECONDS = 2.0
"""Between two verdicts on an exercise; a learner takes longer to save a file again."""


def main() -> None:
    """Measure and print."""
    mutants_too = "--no-mutants" not in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--no-mutants"]
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    library = Library.open()
    slugs = [slug for slug in sys.argv[2:] or library.slugs() if _can_run(library, slug)]
    with own_service():
        first, again, imports = _verdicts(library, slugs, rounds)
        torch = statistics.median(imports)
        print(f"{'seconds':24} first    p95  again    p95  again ÷ `import torch` ({torch:.2f} s)")
        for slug in slugs:
            numbers = [
                number for times in (first[slug], again[slug]) for number in (statistics.median(times), p95(times))
            ]
            print(f"{slug:22}", *(f"{number:6.3f}" for number in numbers), f"{numbers[2] / torch:6.2f}")
        heading("The median exercise, seconds from the request to the verdict")
        figures = Figures()
        for name, times in (("first verdict", first), ("next verdict", again)):
            middle = [statistics.median(round_) for round_ in zip(*times.values(), strict=True)]
            figures.add(name, middle, "import torch", imports)
        figures.save()
        if mutants_too:
            _mutants(library, [slug for slug in slugs if not library.exercise(slug).needs])


def _verdicts(
    library: Library, slugs: list[str], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]], list[float]]:
    """Seconds of each first and each second verdict by exercise, and of each import of torch."""
    first: dict[str, list[float]] = {slug: [] for slug in slugs}
    again: dict[str, list[float]] = {slug: [] for slug in slugs}
    imports: list[float] = []
    for number in range(rounds + 1):  # the first warms up
        for slug in slugs:
            for times, pause in ((first, PAUSE_SECONDS), (again, 0.0)):
                start = time.perf_counter()
                verdict = graded(library, slug)
                times[slug].append(time.perf_counter() - start)
                assert verdict.passed, (slug, verdict.failure)
                time.sleep(pause)
        if number:
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", "import torch"], check=True)
            imports.append(time.perf_counter() - start)
    return {slug: first[slug][1:] for slug in slugs}, {slug: again[slug][1:] for slug in slugs}, imports


def _mutants(library: Library, slugs: list[str]) -> None:
    """Grade all mutants of these exercises."""
    every, spent = 0, 0.0
    for slug in slugs:
        sources = [mutant.source for mutant in mutants(library.reference(slug))]
        start = time.perf_counter()
        seeds = [authoring.seed_of(slug, "mutants")]
        every += sum(1 for _ in authoring.measure(slug, sources, seeds, call_seconds=CALL_SECONDS))
        spent += time.perf_counter() - start
    print(f"{every} mutants of {len(slugs)} exercises in {spent:.0f} s: {every / spent:.1f} a second")


def _can_run(library: Library, slug: str) -> bool:
    return all(importlib.util.find_spec(name) for name in library.exercise(slug).needs)


if __name__ == "__main__":
    main()
