"""`thinkllm dev mutate`: whether an exercise's grader rejects every mutant of its reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from thinkllm_drill.author import equivalents
from thinkllm_drill.author.measuring import Measure
from thinkllm_drill.author.mutants import Mutant, mutants
from thinkllm_drill.content.library import Library
from thinkllm_drill.judge.measured import Measured

CALL_SECONDS = 2.0
"""What a call of a mutant may take: some never end."""


@dataclass(frozen=True)
class Report:
    """The mutants of one exercise.

    `survivors` are those that are accepted and not known as equivalent; `killed_equivalents` are said to be
    equivalent and rejected; `stale` are ids of equivalents that no mutant has any more.
    """

    slug: str
    mutants: int
    equivalent: int
    rejected: int
    survivors: tuple[Mutant, ...]
    killed_equivalents: tuple[tuple[Mutant, str], ...]
    stale: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there is nothing to do."""
        return not self.survivors and not self.killed_equivalents and not self.stale


def mutate(
    library: Library, slug: str, measure: Measure, seed: str, tell: Callable[[int, int], None] = lambda done, all_: None
) -> Report:
    """Grade every mutant of an exercise's reference, each until the first check that rejects it.

    Args:
        library: where the exercise is.
        slug: its name.
        measure: grades the mutants.
        seed: of the inputs.
        tell: how many are done, of how many.
    """
    every = mutants(library.reference(slug))
    known = equivalents.match(equivalents.load(library.paths(slug)), every)
    seconds = None if library.exercise(slug).needs else CALL_SECONDS
    results: dict[int, Measured] = {}
    for result in measure(slug, [mutant.source for mutant in every], [seed], call_seconds=seconds):
        results[result.source] = result
        tell(len(results), len(every))
    survivors = [m for index, m in enumerate(every) if not results[index].rejected and m.id not in known.known]
    killed = [
        (mutant, f"{results[index].check}: {results[index].message}")
        for index, mutant in enumerate(every)
        if results[index].rejected and mutant.id in known.known
    ]
    return Report(
        slug=slug,
        mutants=len(every),
        equivalent=len(known.known),
        rejected=sum(results[index].rejected and m.id not in known.known for index, m in enumerate(every)),
        survivors=tuple(survivors),
        killed_equivalents=tuple(killed),
        stale=tuple(why for _, why in known.stale),
    )
