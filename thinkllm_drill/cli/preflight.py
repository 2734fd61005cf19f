"""What can be said of an attempt before anything is run: it does not parse, or nothing is filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from thinkllm_drill.cli import needs
from thinkllm_drill.content.attempt import NotStarted, Started, SyntaxProblem, read_header, state
from thinkllm_drill.locale import text
from thinkllm_drill.packages import missing
from thinkllm_drill.verdict import Cause, Check, CheckRequest, Frame, Verdict

if TYPE_CHECKING:
    from thinkllm_drill.content.blanks import OpenBlank
    from thinkllm_drill.content.library import Entry


def static_verdict(request: CheckRequest, entry: Entry) -> Verdict | None:
    """The verdict on an attempt that need not be run; None if it must be."""
    match state(request.source):
        case SyntaxProblem() as problem:
            return _verdict(request, "error", text("cli.check.readable"), syntax_cause(problem))
        case NotStarted(first, emptied):
            note = text("cli.check.emptied") if emptied else _not_started(request.source, first)
            return replace(_verdict(request, "not_started", text("cli.check.nothing_filled"), Cause(note)), note=note)
    if absent := missing(entry.needs):
        note = needs.warning(absent)
        return Verdict(request.slug, request.file, "unavailable", request.seed or "", 0.0, note=note)
    return None


def with_open_blanks(verdict: Verdict, source: bytes) -> Verdict:
    """The verdict with the first blank that is still open named; with one, an attempt is never passed."""
    found = state(source)
    if not isinstance(found, Started) or not found.open:
        return verdict
    note = _first_blank("cli.check.open_blank", found.open[0])
    if verdict.status in ("internal", "unavailable"):
        return verdict
    status = "failed" if verdict.passed else verdict.status
    return replace(verdict, status=status, note=_joined([note, verdict.note]))


def level_of(source: bytes) -> str | None:
    """The level of an attempt, as its header says."""
    header = read_header(source.decode("utf-8", "replace"))
    return header.level if header else None


def syntax_cause(problem: SyntaxProblem) -> Cause:
    """Why an attempt does not parse, with its line."""
    line = problem.line or 1
    return Cause(f"SyntaxError: {problem.message}", frames=(Frame(line, "", problem.text or ""),))


def _verdict(request: CheckRequest, status: Literal["error", "not_started"], title: str, cause: Cause) -> Verdict:
    check = Check("defined", title, "defined", status, cause=cause)
    return Verdict(request.slug, request.file, status, request.seed or "", 0.0, checks=(check,))


def _not_started(source: bytes, first: OpenBlank | None) -> str:
    if first is not None:
        return _first_blank("cli.check.not_started_at", first)
    level = level_of(source)
    return text("cli.check.not_started_bughunt" if level == "bughunt" else "cli.check.not_started")


def _first_blank(key: str, blank: OpenBlank) -> str:
    return text(key, number=blank.number, line=blank.line, prompt=blank.prompt)


def _joined(notes: Sequence[str | None]) -> str:
    return " ".join(note for note in notes if note)
