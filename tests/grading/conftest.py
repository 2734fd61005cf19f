"""A grading service of the tests' own, and small exercises made on the spot."""

from __future__ import annotations

import os
import tempfile
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from thinkllm_drill import locale
from thinkllm_drill.judge import client, daemon
from thinkllm_drill.verdict import Check, CheckRequest, Verdict

CHECKOUT = Path(__file__).resolve().parents[2]

EXERCISE = """
format = 1
title = {{ en = "{name}", zh = "{name}" }}
difficulty = "easy"
minutes = 5
asked = "often"
api = {api}
forbid = {forbid}
"""


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    before = locale.current()
    locale.use("en")
    yield
    locale.use(before)


class Told:
    """What a grading says while it runs."""

    def __init__(self) -> None:
        self.plan: list[Check] = []
        self.checks: list[Check] = []

    def on_status(self, text: str) -> None:
        """Nothing to remember."""

    def on_plan(self, checks: list[Check]) -> None:
        self.plan = checks

    def on_check(self, check: Check) -> None:
        self.checks.append(check)


class Judge:
    """Has sources graded by the warm service."""

    def __call__(
        self, slug: str, source: str | bytes, *, content: Path = CHECKOUT, told: Told | None = None, **more: Any
    ) -> Verdict:
        source = textwrap.dedent(source).encode() if isinstance(source, str) else source
        request = CheckRequest(slug, f"{slug}.py", source, str(content), **more)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the service outlives the object that started it
            return client.check(request, told or Told(), service=True)

    def each(self, slug: str, sources: Iterable[str], **more: Any) -> dict[str, Verdict]:
        """The verdicts on several sources by source, graded two at a time."""
        sources = list(dict.fromkeys(sources))
        with ThreadPoolExecutor(2) as pool:
            graded = pool.map(lambda source: self(slug, source, **more), sources)
            return dict(zip(sources, graded, strict=True))


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """One service for the whole folder; nothing of it is left when the tests have ended."""
    before = set(Path(tempfile.gettempdir()).glob("thinkllm-run-*"))
    with tempfile.TemporaryDirectory(prefix="tg-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("THINKLLM_RUNTIME_DIR", folder)
        patch.setenv("THINKLLM_CACHE_DIR", folder + "/cache")
        yield Judge()
        services = [process for process in psutil.process_iter() if _belongs(process, folder)]
        daemon.stop_service()
        _, alive = psutil.wait_procs(services, timeout=10)
        for process in alive:
            process.kill()
        assert not alive
        ours = {str(process.pid) for process in services}
        left = set(Path(tempfile.gettempdir()).glob("thinkllm-run-*")) - before
        assert not [path for path in left if path.name.split("-")[2] in ours]


def _belongs(process: psutil.Process, folder: str) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get("THINKLLM_RUNTIME_DIR") == folder
    except psutil.Error:
        return False


class Tree:
    """A content root to put small exercises into."""

    def __init__(self, root: Path, judge: Judge | None = None) -> None:
        self.root, self._judge = root, judge

    def add(
        self,
        slug: str,
        *,
        api: list[str],
        solution: str,
        grader: str,
        mistakes: str = "",
        forbid: tuple[str, ...] = (),
        facts: str = "",
    ) -> Tree:
        """Write one exercise of the topic "toys"; the grader has its imports already."""
        name = slug.replace("-", "_")
        head = "import torch\nfrom thinkllm_drill.grading import *\n"
        toml = EXERCISE.format(name=slug, api=_list(api), forbid=_list(forbid)) + facts
        for path, text in {
            f"exercises/toys/{name}/exercise.toml": toml,
            f"solutions/toys/{name}.py": textwrap.dedent(solution),
            f"graders/toys/test_{name}.py": head + textwrap.dedent(grader),
            f"graders/toys/{name}.mistakes.toml": textwrap.dedent(mistakes),
        }.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return self

    def grade(self, slug: str, source: str | bytes | None = None, **more: Any) -> Verdict:
        """The verdict on a source, or on the reference itself."""
        assert self._judge is not None
        if source is None:
            source = (self.root / f"solutions/toys/{slug.replace('-', '_')}.py").read_bytes()
        return self._judge(slug, source, content=self.root, **more)

    def each(self, slug: str, sources: Iterable[str]) -> dict[str, Verdict]:
        """The verdicts on several sources by source, unexplained."""
        assert self._judge is not None
        return self._judge.each(slug, sources, content=self.root, diagnose=False)


def _list(items: Any) -> str:
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, judge: Judge) -> Tree:
    """An empty content root of the module's own, graded by the service."""
    return Tree(tmp_path_factory.mktemp("content"), judge)


@pytest.fixture(scope="session")
def say() -> Any:
    """Short views of a verdict."""

    def failed(verdict: Verdict) -> dict[str, str]:
        return {check.id: check.status for check in verdict.checks if check.status not in ("passed", "skipped")}

    def cause(verdict: Verdict) -> Any:
        assert verdict.failure is not None, verdict
        assert verdict.failure.cause is not None
        return verdict.failure.cause

    return SimpleNamespace(failed=failed, cause=cause)
