"""Grading for the author's kit: any source as an attempt, and the statement's example; by the warm service."""

from __future__ import annotations

from hashlib import sha256

from thinkllm_drill.content.library import Library
from thinkllm_drill.judge import client
from thinkllm_drill.verdict import Check, CheckRequest, Verdict


class _Silent:
    def on_status(self, text: str) -> None:
        pass

    def on_plan(self, checks: list[Check]) -> None:
        pass

    def on_check(self, check: Check) -> None:
        pass


def grade(slug: str, file_label: str, source: bytes) -> Verdict:
    """The verdict on a source that is not a learner's.

    Its seed follows from the source, so that the author's kit says the same of the same files every time; what holds
    on every seed is measured elsewhere.
    """
    root, seed = str(Library.open().root), sha256(slug.encode() + source).hexdigest()[:16]
    request = CheckRequest(slug, file_label, source, root, seed=seed, options={"patient": True})
    return client.check(request, _Silent(), service=True)


def run_example(slug: str, doctest_source: str, reference_source: str) -> list[str]:
    """What is wrong with a statement's example; the reference is read from its file."""
    return client.run_example(slug, doctest_source, Library.open().root)
