from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from thinkllm_drill import locale
from thinkllm_drill.content.library import Library

SAMPLE = Path(__file__).parent / "sample"
collect_ignore = ["sample"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A content root of two exercises that may be changed."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "content"))


@pytest.fixture
def library(tree: Path, tmp_path: Path) -> Library:
    return Library(tree, cache=tmp_path / "cache")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("THINKLLM_CONTENT", raising=False)
    locale.use("en")
    yield
    locale.use("en")
