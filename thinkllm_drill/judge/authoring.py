"""Grading for the author's kit: what the reference, a stub or a wrong answer gets, and the statement's example.

By the warm service. Many sources are shared out to several judges, each of which grades its part in one go.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256

from thinkllm_drill.content.library import Library
from thinkllm_drill.errors import EnvironmentProblem, InternalError
from thinkllm_drill.judge import client
from thinkllm_drill.judge.measured import Measured
from thinkllm_drill.judge.quiet import Quiet
from thinkllm_drill.packages import missing
from thinkllm_drill.verdict import CheckRequest, Verdict

JUDGES = os.cpu_count() or 1
"""Judges that grade an author's sources at a time."""


def seed_of(*parts: str) -> str:
    """A seed that follows from texts, so that the same files are told the same every time."""
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def measure(
    slug: str,
    sources: Sequence[str],
    seeds: Sequence[str],
    *,
    first: bool = True,
    diagnose: bool = False,
    call_seconds: float | None = None,
    judges: int = JUDGES,
) -> Iterator[Measured]:
    """What each source gets on each seed, in the order in which they end.

    Args:
        slug: the exercise.
        sources: whole modules.
        seeds: of 16 hex digits.
        first: end a grading at the first check that does not pass.
        diagnose: look for the known mistake behind it.
        call_seconds: what a call may take, where that is less than usual.
        judges: how many to share them out to.
    Raises:
        EnvironmentProblem: a package that the exercise needs is not installed.
    """
    library = Library.open()
    if lacking := missing(library.exercise(slug).needs):
        raise EnvironmentProblem(
            f"{slug} needs {', '.join(lacking)}, which is not installed",
            hint="pip install -c constraints.txt '.[kernels]'",
        )
    root = str(library.root)
    parts = _shares(len(sources), list(seeds), judges)
    results: queue.SimpleQueue[Measured | Exception | None] = queue.SimpleQueue()

    def work(part: range, its_seeds: list[str]) -> None:
        message = {
            "type": "measure",
            "slug": slug,
            "content": root,
            "sources": [sources[index] for index in part],
            "seeds": its_seeds,
            "first": first,
            "diagnose": diagnose,
            "call_seconds": call_seconds,
        }
        try:
            for event in client.ask(message, service=True):
                if event["event"] == "measured":
                    fields = {key: value for key, value in event.items() if key != "event"}
                    results.put(Measured(**fields | {"source": part[fields["source"]]}))
                elif event["event"] == "problem":
                    client.raise_problem(event)
                elif event.get("problems"):
                    raise InternalError(f"{slug}: {event['problems'][0]}")
            results.put(None)
        except Exception as error:
            results.put(error)

    for part in parts:
        threading.Thread(target=work, args=part, daemon=True).start()
    open_ = len(parts)
    while open_:
        result = results.get()
        if isinstance(result, Exception):
            raise result
        if result is None:
            open_ -= 1
        else:
            yield result


def _shares(sources: int, seeds: list[str], judges: int) -> list[tuple[range, list[str]]]:
    """Sources and seeds for each judge: by seeds where there are enough, as what a seed needs is worked out once."""
    if len(seeds) >= judges:
        return [(range(sources), seeds[start::judges]) for start in range(judges)]
    return [(range(start, sources, judges), seeds) for start in range(min(judges, sources))]


def grade(slug: str, file_label: str, source: bytes) -> Verdict:
    """The verdict on a source that is not a learner's, on a seed that follows from it."""
    root, seed = str(Library.open().root), seed_of(slug, source.decode())
    request = CheckRequest(slug, file_label, source, root, seed=seed, options={"patient": True})
    return client.check(request, Quiet(), service=True)


def run_example(slug: str, doctest_source: str, reference_source: str) -> list[str]:
    """What is wrong with a statement's example; the reference is read from its file."""
    return client.run_example(slug, doctest_source, Library.open().root)
