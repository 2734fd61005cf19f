"""What the benchmarks share: a service of their own, and the reference graded by it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from thinkllm_drill.content.library import Library
from thinkllm_drill.judge import client
from thinkllm_drill.verdict import Check, CheckRequest, Verdict


class Silent:
    """Hears nothing of what happens during a check."""

    def on_status(self, text: str) -> None:
        pass

    def on_plan(self, checks: list[Check]) -> None:
        pass

    def on_check(self, check: Check) -> None:
        pass


@contextlib.contextmanager
def own_service() -> Iterator[None]:
    """A service that nothing else uses, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="tb-") as folder:
        runtime = Path(folder, "run")
        runtime.mkdir(mode=0o700)
        os.environ |= {
            "THINKLLM_RUNTIME_DIR": str(runtime),
            "THINKLLM_HOME": str(Path(folder, "home")),
            "THINKLLM_CACHE_DIR": str(Path(folder, "cache")),
        }
        try:
            yield
        finally:
            client.stop_service()


def graded(library: Library, slug: str) -> Verdict:
    """The verdict on an exercise's reference."""
    source = library.reference(slug).encode()
    return client.check(CheckRequest(slug, "reference.py", source, str(library.root)), Silent(), service=True)
