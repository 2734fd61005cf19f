"""`thinkllm check --all`: every attempt, on all cores, a line each in the order of the catalogue."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from thinkllm_drill.cli import preflight
from thinkllm_drill.cli.authoring import Bar
from thinkllm_drill.cli.grade import Options, contract, look_into, record, request_of, unmeasured
from thinkllm_drill.cli.interview import asked
from thinkllm_drill.cli.output import table
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import InternalError, ThinkLLMError, UsageError
from thinkllm_drill.findings import finding, suite_of
from thinkllm_drill.judge.quiet import Quiet
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.verdict import CheckRequest, Verdict


@dataclass(frozen=True)
class _Ended:
    """What came of one request: a verdict, or the error that there was instead."""

    index: int
    verdict: Verdict | None = None
    error: Exception | None = None


def check_all(session: Session, options: Options, jobs: int | None = None) -> int:
    """Grade every attempt there is, record each verdict as it comes and show them in the order of the catalogue.

    Args:
        session: of this run.
        options: how to grade.
        jobs: how many to grade at a time; as many as there are cores by default.
    """
    busy = asked(session)
    slugs = [slug for slug in session.entries if session.has_attempt(slug) and slug not in busy]
    if not slugs:
        raise UsageError(text("cli.check.no_attempts"), hint="thinkllm next")
    if options.device is None:
        options = replace(options, device=unmeasured(session).device)
    requests = []
    for slug in slugs:
        path = session.attempt_path(slug)
        requests.append(request_of(session, slug, path, session.workspace.read(path), options))
    done = _Done(session, requests, recorded=options.case is None)
    try:
        for ended in _graded(session, requests, jobs or cores()):
            done.take(ended)
    finally:
        done.close()
    return done.tell()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _graded(session: Session, requests: Sequence[CheckRequest], jobs: int) -> Iterator[_Ended]:
    """What comes of each request, in the order in which they end; what needs no judge comes first."""
    waiting: queue.SimpleQueue[tuple[int, CheckRequest]] = queue.SimpleQueue()
    results: queue.SimpleQueue[_Ended] = queue.SimpleQueue()
    left = 0
    for index, request in enumerate(requests):
        static = preflight.static_verdict(request, session.entries[request.slug])
        if static is not None:
            yield _Ended(index, static)
        else:
            waiting.put((index, request))
            left += 1
    work = _worker(waiting, results, service=session.settings.service)
    for _ in range(min(jobs, left)):  # they end with us: what they wait for is nobody else's
        threading.Thread(target=work, daemon=True).start()
    for _ in range(left):
        yield results.get()


def _worker(
    waiting: queue.SimpleQueue[tuple[int, CheckRequest]], results: queue.SimpleQueue[_Ended], *, service: bool
) -> Callable[[], None]:
    """A thread's work: one request after the other until there is none."""
    from thinkllm_drill.judge.client import check as grade

    def work() -> None:
        with suppress(queue.Empty):
            while True:
                index, request = waiting.get_nowait()
                try:
                    verdict = preflight.with_open_blanks(grade(request, Quiet(), service=service), request.source)
                    results.put(_Ended(index, verdict))
                except Exception as error:
                    results.put(_Ended(index, error=error))

    return work


class _Done:
    """Records verdicts as they come, and shows each once all before it are there."""

    def __init__(self, session: Session, requests: Sequence[CheckRequest], *, recorded: bool) -> None:
        self._session, self._requests, self._recorded = session, requests, recorded
        self._verdicts: dict[int, Verdict] = {}
        self._unrecorded: ThinkLLMError | None = None
        self._shown = 0
        self._width = max(len(request.slug) for request in requests)
        self._bar = Bar(session, len(requests), session.out if session.out.moves and not session.json else session.err)
        self._bar.screen.transient(f"  {text('cli.check.begin')}")

    def take(self, ended: _Ended) -> None:
        """One more; raises what there was instead of a verdict."""
        if isinstance(ended.error, InternalError):
            raise InternalError(ended.error.message, hint=look_into()) from ended.error
        if ended.error is not None:
            raise ended.error
        assert ended.verdict is not None
        self._verdicts[ended.index] = ended.verdict
        if self._recorded:
            _, error = record(self._session, ended.verdict, self._requests[ended.index].source)
            self._unrecorded = self._unrecorded or error
        while self._shown in self._verdicts:
            self._show(self._verdicts[self._shown])
            self._shown += 1
        self._bar.at(len(self._verdicts), self._requests[ended.index].slug)

    def close(self) -> None:
        """Show what has come after one that has not."""
        self._bar.end()
        for index in sorted(self._verdicts):
            if index >= self._shown:
                self._show(self._verdicts[index])
        self._shown = len(self._requests)

    def tell(self) -> int:
        """The sum of it, and the exit code."""
        verdicts = [self._verdicts[index] for index in sorted(self._verdicts)]
        if self._session.json:
            self._session.emit({"verdicts": [contract(verdict) for verdict in verdicts]})
        else:
            passed = sum(verdict.passed for verdict in verdicts)
            self._session.out.write("\n" + text("cli.check.all_done", passed=passed, total=len(verdicts)))
        if self._unrecorded is not None:
            raise self._unrecorded
        return max(verdict.exit_code for verdict in verdicts)

    def _show(self, verdict: Verdict) -> None:
        if self._session.json:
            return
        self._bar.end()
        row, styles = _row(self._session, verdict, self._width), _row_styles(verdict)
        for line in table(self._session.out, [row], styles=[styles], flexible=3):
            self._session.out.write(line)


def _row(session: Session, verdict: Verdict, size: int) -> list[str]:
    symbol = session.out.symbol("ok" if verdict.passed else "bad")
    failure = verdict.failure
    about = "" if failure is None else " · ".join(part for part in (suite_of(failure), failure.kind) if part)
    why = (
        ""
        if verdict.passed
        else f"{about} · {finding(failure)}"
        if failure
        else (verdict.note or "").replace("\n", " ")
    )
    seconds = text("cli.check.seconds", count=f"{verdict.seconds:.2f}")
    return [symbol, verdict.slug.ljust(size), text(f"cli.verdict.{verdict.status}"), why or seconds]


def _row_styles(verdict: Verdict) -> list[str]:
    return ["ok" if verdict.passed else "bad", "bold", "", "dim"]
