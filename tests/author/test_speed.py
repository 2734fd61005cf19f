"""The figures in the READMEs are those of the last `just bench`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from thinkllm_drill.author import readme, speed
from thinkllm_drill.content.library import Library
from thinkllm_drill.errors import ContentError

ROOT = Path(__file__).resolve().parents[2]
RESULTS = {
    "machine": {"cores": 2, "date": "2026-01-02"},
    "figures": {
        "check, warm": {"median": 0.25, "p95": 0.31, "against": "cold pytest", "ratio": 0.0712},
        "first words, warm": {"median": 0.093, "p95": 0.1, "against": "", "ratio": None},
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/results.json").write_text(json.dumps(RESULTS))
    return tmp_path


def test_the_figures_are_written_between_their_marks(root: Path) -> None:
    text = speed.section(root, f"before\n{speed.PLACE.begin}stale\n{speed.PLACE.end}after\n", "en", root / "README.md")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| `thinkllm check`, the whole process | 0.25 s | 0.31 s | 0.071 × the same cases in a cold pytest |" in text
    assert "| 93 ms | 0.10 s |  |" in text
    assert "2 cores, 2026-01-02" in text
    assert "stale" not in text
    assert "## How fast" in text
    assert "0.071 倍" in speed.section(root, speed.PLACE.begin + speed.PLACE.end, "zh", root / "README.zh.md")


def test_a_readme_without_a_place_is_refused(root: Path) -> None:
    with pytest.raises(ContentError):
        speed.section(root, "no marks", "en", root / "README.md")


def test_without_results_nothing_is_written(tmp_path: Path) -> None:
    assert speed.section(tmp_path, "no marks", "en", tmp_path / "README.md") == "no marks"


def test_the_readmes_agree_with_the_results() -> None:
    for path, text in readme.tables(Library(ROOT)).items():
        begin, end = text.index(speed.PLACE.begin), text.index(speed.PLACE.end)
        assert text[begin:end] in path.read_text()
