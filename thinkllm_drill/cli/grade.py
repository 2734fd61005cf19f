"""What the verbs that grade share: which attempt is meant, what the judge is asked, and the record of what it said."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkllm_drill.cli.interview import refuse
from thinkllm_drill.cli.report import Told
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import InternalError, ThinkLLMError, UsageError
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.judge.client import Cancel, CheckEvents
    from thinkllm_drill.verdict import CheckRequest, Verdict


@dataclass(frozen=True)
class Options:
    """How to grade."""

    seed: str | None = None
    case: str | None = None
    device: str | None = None


def unmeasured(session: Session) -> Options:
    """How to grade where a verdict is wanted at once: kernels are not timed, unless the settings ask for it."""
    return Options(device="cpu" if session.settings.device == "auto" else None)


def target_of(session: Session, target: str | None) -> tuple[str, Path]:
    """The exercise and the file to grade; UsageError while a mock interview asks this exercise."""
    slug, path = _target_of(session, target)
    refuse(session, slug, "check")
    return slug, path


def _target_of(session: Session, target: str | None) -> tuple[str, Path]:
    if target is not None and _is_file(target):
        path = Path(target).expanduser().absolute()
        session.workspace.read(path)
        slug = session.workspace.find_by_file(path, known=session.entries)
        if slug is None:
            raise UsageError(text("cli.check.whose_file", file=target), hint="thinkllm check SLUG")
        return slug, path
    slug = session.slug(target)
    if target is None and session.has_progress:
        current = session.store.current()
        if current is not None and current.file and Path(current.file).is_file():
            return slug, Path(current.file)
    path = session.attempt_path(slug)
    if not path.exists():
        raise UsageError(text("cli.check.no_attempt", slug=slug), hint=f"thinkllm drill {slug}")
    return slug, path


def _is_file(target: str) -> bool:
    return target.endswith(".py") or os.sep in target or "/" in target


def request_of(session: Session, slug: str, path: Path, source: bytes, options: Options) -> CheckRequest:
    """What the judge is asked."""
    from thinkllm_drill.verdict import CheckRequest

    settings = session.settings
    return CheckRequest(
        slug=slug,
        file=str(path),
        source=source,
        content=str(session.library.root),
        lang=settings.lang,
        seed=options.seed,
        case=options.case,
        device=options.device or settings.device,
    )


def verdict_on(session: Session, request: CheckRequest, events: CheckEvents, cancel: Cancel | None = None) -> Verdict:
    """The verdict on an attempt: by what can be seen without running it, else by the judge.

    Raises:
        InternalError: the judge gave none, with what to do about it.
    """
    from thinkllm_drill.cli import preflight

    verdict = preflight.static_verdict(request, session.entries[request.slug])
    if verdict is None:
        from thinkllm_drill.judge.client import check, has_kernels

        try:
            kernels = has_kernels(session.entries[request.slug].needs)
            verdict = check(request, events, service=session.settings.service, cancel=cancel, kernels=kernels)
        except InternalError as fault:
            raise InternalError(fault.message, hint=look_into()) from fault
        verdict = preflight.with_open_blanks(verdict, request.source)
    return verdict


def record(session: Session, verdict: Verdict, source: bytes) -> tuple[Told, ThinkLLMError | None]:
    """Store the event; what the learner is told of the exercise's history, and the error if storing failed."""
    from thinkllm_drill.cli.preflight import level_of

    try:
        before = session.statuses().get(verdict.slug)
        payload: dict[str, Any] = {
            "file": verdict.file,
            "verdict": verdict.to_json(),
            "content_version": session.library.version(verdict.slug),
            "level": level_of(source),
        }
        session.store.record("check", verdict.slug, payload, source)
        return Told(before, session.store.status(verdict.slug)), None
    except ThinkLLMError as error:
        return Told(), error


def look_into() -> str:
    """What to do when no verdict came: where the service wrote why, and the command that looks."""
    from thinkllm_drill.judge.daemon import log_file

    log = log_file()
    return "thinkllm doctor" + ("\n" + text("cli.check.log", file=short_path(log)) if log.exists() else "")


def contract(verdict: Verdict) -> dict[str, Any]:
    """What `--json` says of a verdict."""
    return {key: value for key, value in verdict.to_json().items() if key != "schema"}
