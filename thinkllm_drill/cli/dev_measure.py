"""`thinkllm dev mutate` and `thinkllm dev strength`: how strong the graders are."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkllm_drill.cli.authoring import Bar, Slugs, count, wanted
from thinkllm_drill.cli.session import Session
from thinkllm_drill.packages import missing

if TYPE_CHECKING:
    from thinkllm_drill.author import mutate as mutation
    from thinkllm_drill.author import strength as strength_


def mutate(
    ctx: typer.Context,
    slugs: Slugs = None,
    rows: Annotated[bool, typer.Option("--rows", help="Print the survivors as rows for SLUG.equivalent.toml.")] = False,
) -> int:
    """Change the references in small ways; every change must be rejected."""
    from thinkllm_drill.author import mutate as author
    from thinkllm_drill.author.equivalents import rows as toml
    from thinkllm_drill.judge import authoring

    session = Session.of(ctx)
    chosen = wanted(session, slugs)
    bar = Bar(session, len(chosen))
    tell = lambda done, every: bar.show(f"mutant {done} of {every}")  # noqa: E731

    def mutated(slug: str) -> mutation.Report:
        return author.mutate(session.library, slug, authoring.measure, authoring.seed_of(slug, "mutants"), tell)

    reports = list(bar.each(chosen, mutated))
    if session.json:
        session.emit({"exercises": [_mutants_json(report) for report in reports]})
    elif rows:
        session.out.write("\n".join(toml(report.survivors) for report in reports if report.survivors))
    else:
        for report in reports:
            _show_mutants(session, report)
    return 0 if all(report.ok for report in reports) else 1


def _show_mutants(session: Session, report: mutation.Report) -> None:
    right = report.mutants - report.equivalent
    known = f", {count(report.equivalent, 'equivalent')}" if report.equivalent else ""
    session.out.write(f"{report.slug}: {report.rejected}/{right} mutants rejected{known}")
    for mutant in report.survivors:
        session.out.write(f"  line {mutant.line}: {mutant.was}  →  {mutant.now}  is accepted ({mutant.id})")
    for mutant, why in report.killed_equivalents:
        session.out.write(f"  line {mutant.line}: {mutant.id} is said to be equivalent, but {why}")
    for problem in report.stale:
        session.out.write(f"  {problem}")


def _mutants_json(report: mutation.Report) -> dict[str, Any]:
    return {
        "slug": report.slug,
        "mutants": report.mutants,
        "equivalent": report.equivalent,
        "rejected": report.rejected,
        "survivors": [{"id": m.id, "line": m.line, "was": m.was, "now": m.now} for m in report.survivors],
    }


def strength(
    ctx: typer.Context,
    slugs: Slugs = None,
    check: Annotated[
        bool, typer.Option("--check", help="Measure nothing in full: are the figures of what is there now?")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Measure also what has not changed.")] = False,
) -> int:
    """Measure how strong the graders are: mistakes, mutants and honest variants on many seeds."""
    from thinkllm_drill.author import strength as author
    from thinkllm_drill.judge import authoring

    session = Session.of(ctx)
    chosen = wanted(session, slugs)
    bar = Bar(session, len(chosen))
    tell = lambda what, done, every: bar.show(f"{what} {done} of {every}")  # noqa: E731
    kit = author.Kit(authoring.measure, authoring.seed_of, tell, missing)
    if check and len(chosen) > 1:  # whole exercises side by side: what a seed needs is worked out once
        alone = replace(kit, measure=partial(authoring.measure, judges=1))
        made = bar.each(chosen, lambda slug: author.check(session.library, slug, alone), authoring.JUDGES)
    elif check:
        made = bar.each(chosen, lambda slug: author.check(session.library, slug, kit))
    else:
        made = bar.each(chosen, lambda slug: author.measure(session.library, slug, kit, force))
    reports: list[strength_.Report] = []
    for report in made:
        reports.append(report)
        bar.end()
        if not session.json:
            _show_strength(session, report)
    if session.json:
        session.emit({"exercises": [_strength_json(report) for report in reports]})
    return 1 if any(report.problems for report in reports) else 0


def _show_strength(session: Session, report: strength_.Report) -> None:
    if report.strength is not None:
        session.out.write(f"{report.slug}: {_words(report.strength)}{' (unchanged)' if report.unchanged else ''}")
    if report.note:
        session.err.write(f"{report.slug}: {report.note}")
    for problem in report.problems:
        session.out.write(f"{report.slug}: {problem}" if report.strength is None else f"  {problem}")


def _words(strength: Any) -> str:
    pairs = {
        f"mistakes on {strength.mistake_seeds} seeds": strength.mistakes,
        "diagnosed": strength.diagnosed,
        f"mutants ({strength.equivalent} equivalent)": strength.mutants,
        "honest verdicts": strength.honest,
    }
    words = ", ".join(f"{right}/{every} {name}" for name, (right, every) in pairs.items())
    return f"{words}; margin {strength.margin:g}, clearance {strength.clearance:g}"


def _strength_json(report: strength_.Report) -> dict[str, Any]:
    from dataclasses import asdict

    figures = asdict(report.strength) if report.strength else None
    return {"slug": report.slug, "ok": not report.problems, "problems": report.problems, "strength": figures}
