"""`thinkllm check`: grades an attempt, shows each check as it ends, and records what was graded."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from thinkllm_drill.cli import completion
from thinkllm_drill.cli.grade import Options, contract, record, request_of, target_of, verdict_on
from thinkllm_drill.cli.report import Reporter, Told, show_verdict
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import ThinkLLMError, UsageError
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.verdict import Verdict


_SEED = re.compile(r"[0-9a-fA-F]{1,16}")


@dataclass(frozen=True)
class _Graded:
    """A verdict, the bytes that it is on, and the error with which recording it failed, if it did."""

    verdict: Verdict
    source: bytes
    error: ThinkLLMError | None


def command(
    ctx: typer.Context,
    target: Annotated[str | None, typer.Argument(metavar="SLUG|FILE", autocompletion=completion.slugs)] = None,
    every: Annotated[bool, typer.Option("--all")] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", metavar="N", min=1)] = None,
    seed: Annotated[str | None, typer.Option("--seed", metavar="HEX")] = None,
    case: Annotated[str | None, typer.Option("--case", metavar="NAME")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option("--device")] = None,
    no_service: Annotated[bool, typer.Option("--no-service")] = False,
    dispute: Annotated[bool, typer.Option("--dispute")] = False,
) -> int:
    """Grade an attempt."""
    session = Session.of(ctx)
    if no_service:
        session.override("service", "off")
    options = Options(hex_seed(seed), case, device)
    if every:
        if target is not None or dispute:
            raise UsageError(text("cli.check.all_alone"), hint="thinkllm check --all")
        from thinkllm_drill.cli.check_all import check_all

        return check_all(session, options, jobs)
    if jobs is not None:
        raise UsageError(text("cli.check.jobs_alone"), hint="thinkllm check --all --jobs 2")
    slug, path = target_of(session, target)
    if dispute and options.seed is None:
        options = replace(options, seed=_seen_seed(session, slug, path))
    graded = _check(session, slug, path, options)
    if session.json:
        session.emit(contract(graded.verdict) | ({"case": case} if case is not None else {}))
    if dispute:
        from thinkllm_drill.cli.dispute import write_bundle

        write_bundle(session, graded.verdict, graded.source)
    if graded.error is not None:
        raise graded.error
    return graded.verdict.exit_code


def _check(session: Session, slug: str, path: Path, options: Options) -> _Graded:
    """Grade one attempt, record it and show it; a single case is graded for the learner's eyes only."""
    source = session.workspace.read(path)
    request = request_of(session, slug, path, source, options)
    reporter = Reporter(session, slug, path, quiet=session.json)
    reporter.begin()
    try:
        verdict = verdict_on(session, request, reporter)
    finally:
        reporter.clear()
    if options.case is None:
        told, error = record(session, verdict, source)
    else:
        told, error = Told(now=session.statuses().get(slug)), None
    if not session.json:
        show_verdict(session, reporter, verdict, told, case=options.case)
    return _Graded(verdict, source, error)


def hex_seed(typed: str | None) -> str | None:
    """The seed as the judge takes it."""
    if typed is not None and not _SEED.fullmatch(typed):
        raise UsageError(text("cli.check.bad_seed", seed=typed), hint="thinkllm check --seed 7f3a91c0ffee0001")
    return None if typed is None else typed.lower()


def _seen_seed(session: Session, slug: str, path: Path) -> str | None:
    """The seed of the last verdict on just this source, which is the verdict that the learner saw."""
    from thinkllm_drill.progress.events import source_hash

    name = source_hash(session.workspace.read(path))
    events = session.store.events(slug) if session.has_progress else []
    for event in reversed(events):
        verdict = event.payload.get("verdict")
        if event.source_hash == name and isinstance(verdict, dict) and _SEED.fullmatch(str(verdict.get("seed"))):
            return str(verdict["seed"])
    return None
