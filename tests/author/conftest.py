from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from thinkllm_drill.content.library import Library, Paths

SAMPLE = Path(__file__).parents[1] / "content" / "sample"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Two exercises without a problem, which may be changed."""
    return Library(Path(shutil.copytree(SAMPLE, tmp_path / "content")), cache=tmp_path / "cache")


@pytest.fixture
def paths(library: Library) -> Paths:
    return library.paths("moving-average")


@pytest.fixture
def edit():
    """Replaces a text, which must be there, in a file."""

    def replace(path: Path, old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
