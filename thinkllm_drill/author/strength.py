"""`thinkllm dev strength`: how strong an exercise's grader is, measured in full, and kept beside it with a hash."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from thinkllm_drill.author.fingerprint import engine, fingerprint
from thinkllm_drill.author.measuring import Measure
from thinkllm_drill.author.mutate import mutate
from thinkllm_drill.content import mistakes, strength
from thinkllm_drill.content.library import Library
from thinkllm_drill.content.mistakes import Mistake
from thinkllm_drill.content.strength import Strength
from thinkllm_drill.files import write_atomically
from thinkllm_drill.judge.measured import Measured

MISTAKE_SEEDS = 20
DIAGNOSIS_SEEDS = 5
"""Of these, on how many the known mistake behind a verdict is looked for, which takes longer than the verdict."""
HONEST_SEEDS = 200
LARGEST_MARGIN = 0.5
"""An honest variant's error, as a part of what is allowed."""
SMALLEST_CLEARANCE = 2.0
"""A mistake's error in values, likewise."""
DIAGNOSED = 0.95
NO_SIGNATURE = ("timeout", "limit", "rule")
"""Statuses that many wrong answers share."""

Seed = Callable[..., str]


@dataclass
class Report:
    """What is wrong with an exercise's strength, and its figures where they were measured."""

    slug: str
    problems: list[str] = field(default_factory=list)
    strength: Strength | None = None
    unchanged: bool = False
    note: str = ""
    """What could not be checked here, and why; or that the engine has changed since."""


@dataclass(frozen=True)
class Kit:
    """How to measure.

    Attributes:
        measure: grades many sources.
        seed_of: a seed from texts.
        tell: what is being measured, how many gradings are done, and of how many.
        missing: which of the packages that an exercise needs are not installed.
    """

    measure: Measure
    seed_of: Seed
    tell: Callable[[str, int, int], None] = lambda what, done, every: None
    missing: Callable[[Sequence[str]], list[str]] = lambda names: []


def measure(library: Library, slug: str, kit: Kit, force: bool = False) -> Report:
    """Measure an exercise in full, unless nothing has changed since, and write its figures where all is well."""
    path, content = library.paths(slug).strength, fingerprint(library, slug)
    known = strength.read(path)
    if known is not None and known.content == content and not force:
        return Report(slug, strength=known, unchanged=True, note=_of_an_older_engine(known))
    report = Report(slug)
    wrong = _Mistakes(library, slug, kit, report)
    seeds = [kit.seed_of(slug, "mistake", str(number)) for number in range(MISTAKE_SEEDS)]
    wrong.measure(seeds[:DIAGNOSIS_SEEDS], diagnose=True)
    wrong.measure(seeds[DIAGNOSIS_SEEDS:], diagnose=False)
    wrong.report_problems()
    accepted, margin = _honest(library, slug, kit, report, HONEST_SEEDS)
    mutants = mutate(
        library, slug, kit.measure, kit.seed_of(slug, "mutants"), lambda done, n: kit.tell("mutants", done, n)
    )
    report.problems += [f"line {m.line}: the mutant {m.was} → {m.now} is accepted ({m.id})" for m in mutants.survivors]
    report.problems += [f"line {m.line}: {m.id} is no equivalent: {why}" for m, why in mutants.killed_equivalents]
    report.problems += mutants.stale
    report.strength = Strength(
        content=content,
        engine=engine(),
        mistakes=wrong.rejected,
        mistake_seeds=MISTAKE_SEEDS,
        diagnosed=wrong.diagnosed,
        mutants=(mutants.rejected, mutants.mutants - mutants.equivalent),
        equivalent=mutants.equivalent,
        honest=accepted,
        honest_seeds=HONEST_SEEDS,
        margin=round(margin, 3),
        clearance=float(f"{wrong.clearance:.3g}") if math.isfinite(wrong.clearance) else 0.0,
    )
    if not report.problems:
        write_atomically(path, strength.dump(report.strength))
    return report


def check(library: Library, slug: str, kit: Kit) -> Report:
    """Whether the figures are of what is there now, and still hold on one seed a mistake and two an honest variant.

    Where there are none yet, nothing is graded.
    """
    report = Report(slug, strength=strength.read(library.paths(slug).strength))
    if report.strength is None:
        report.note = f"its strength was never measured; run: thinkllm dev strength {slug}"
        return report
    if report.strength.content != fingerprint(library, slug):
        report.problems.append(f"it changed since its strength was measured; run: thinkllm dev strength {slug}")
    else:
        report.note = _of_an_older_engine(report.strength)
    if missing := kit.missing(library.exercise(slug).needs):
        report.note = "; ".join(filter(None, [report.note, f"not graded: {', '.join(missing)} is not installed"]))
        return report
    content = report.strength.content if report.strength else ""
    wrong = _Mistakes(library, slug, kit, report)
    wrong.measure([kit.seed_of(slug, content, "check")], diagnose=False)
    wrong.report_problems()
    _honest(library, slug, kit, report, 2)
    return report


def _of_an_older_engine(measured: Strength) -> str:
    return (
        "" if measured.engine == engine() else "measured with other grading code than this; --force measures it again"
    )


class _Mistakes:
    """Grades the known mistakes and keeps count."""

    def __init__(self, library: Library, slug: str, kit: Kit, report: Report) -> None:
        self.slug, self.kit, self.report = slug, kit, report
        self.known: tuple[Mistake, ...] = mistakes.load(library.paths(slug))
        self.failed: dict[str, str] = {}
        self.unnamed = dict.fromkeys((mistake.id for mistake in self.known), 0)
        self.named = self.nameable = 0
        self.clearance = math.inf

    @property
    def rejected(self) -> tuple[int, int]:
        """How many are rejected as they say on every seed."""
        return len(self.known) - len(self.failed), len(self.known)

    @property
    def diagnosed(self) -> tuple[int, int]:
        """How many verdicts name the mistake, of those that could."""
        return self.named, self.nameable

    def measure(self, seeds: Sequence[str], *, diagnose: bool) -> None:
        """Grade every mistake on every seed."""
        sources = [mistake.source for mistake in self.known]
        results = self.kit.measure(self.slug, sources, seeds, diagnose=diagnose)
        for done, result in enumerate(results, start=1):
            self.kit.tell("mistakes", done, len(sources) * len(seeds))
            mistake = self.known[result.source]
            if (problem := self._problem(mistake, result)) is not None:
                self.failed.setdefault(mistake.id, f"the mistake {mistake.id} {problem} (seed {result.seed})")
            elif diagnose and _has_a_signature(result):
                self.nameable += 1
                self.named += result.diagnosis == mistake.id
                self.unnamed[mistake.id] += result.diagnosis != mistake.id

    def report_problems(self) -> None:
        """Note what was not as it should be."""
        self.report.problems += self.failed.values()
        if self.named < DIAGNOSED * self.nameable:
            worst = ", ".join(f"{name} ({times})" for name, times in self.unnamed.items() if times)
            self.report.problems.append(f"{self.named} of {self.nameable} verdicts name the mistake; not: {worst}")

    def _problem(self, mistake: Mistake, result: Measured) -> str | None:
        if not result.rejected:
            return "is accepted"
        if not mistake.names(result.check, result.kind):
            return f"is caught by `{result.check}`, not by `{mistake.caught_by}`: {result.message}"
        if result.diagnosis not in (None, mistake.id):
            return f"is diagnosed as {result.diagnosis}"
        if result.ratio is not None:
            self.clearance = min(self.clearance, result.ratio)
            if result.ratio < SMALLEST_CLEARANCE:
                return f"is off by {result.ratio:.2f} of what is allowed only: {result.message}"
        return None


def _has_a_signature(result: Measured) -> bool:
    """Whether what a mistake shows could be told from what every other one does."""
    return result.check_status not in NO_SIGNATURE and result.kind != "defined" and result.alike < 2


def _honest(library: Library, slug: str, kit: Kit, report: Report, seeds: int) -> tuple[tuple[int, int], float]:
    """How many verdicts accept an honest variant, of how many, and the largest error."""
    files = library.paths(slug).honest_files
    sources = [path.read_text(encoding="utf-8") for path in files]
    accepted, done, margin = 0, 0, 0.0
    narrow: dict[str, str] = {}
    rejected: dict[str, str] = {}
    names = [kit.seed_of(slug, "honest", str(number)) for number in range(seeds)]
    for result in kit.measure(slug, sources, names, first=False):
        done += 1
        kit.tell("honest variants", done, len(sources) * seeds)
        accepted += result.passed
        margin = max(margin, result.margin)
        if not result.passed or result.margin > LARGEST_MARGIN:
            name = files[result.source].name
            why = (
                f"{result.check}: {result.message}"
                if not result.passed
                else f"is off by {result.margin:.2f} of what is allowed in {result.margin_case}"
            )
            problems = narrow if result.passed else rejected
            problems.setdefault(name, f"the honest variant {name} {why} (seed {result.seed})")
    report.problems += (narrow | rejected).values()
    return (accepted, done), margin
