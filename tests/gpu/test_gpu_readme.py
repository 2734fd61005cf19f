"""The READMEs' tables of kernel speeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.author import kernel_speed, speed
from thinkllm_drill.errors import ContentError

ROW: dict[str, Any] = {
    "case": "rows of 4096",
    "against": "copy",
    "median_share": 0.874,
    "outcomes": ["star"] * 10,
    "seconds": {"attempt": 2e-4, "copy": 1.75e-4, "eager": 9e-4, "compile": 2.2e-4},
}
RESULTS = {
    "device": "NVIDIA H100 80GB HBM3",
    "date": "2026-01-02",
    "versions": {"torch": "2.11.0", "triton": "3.6.0", "python": "3.12"},
    "kernels": {"triton-softmax": {"status": "passed", "shapes": [ROW], "slow": {}}},
}
README = f"# x\n\n{speed.PLACE.begin}{speed.PLACE.end}\n## y\n"


def test_nothing_is_shown_where_nothing_was_measured(tmp_path: Path) -> None:
    assert kernel_speed.section(tmp_path, README, "en") == README


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_table_is_written_and_written_again_alike(lang: str, tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/kernels.h100.json").write_text(json.dumps(RESULTS))
    written = kernel_speed.section(tmp_path, README, lang)
    assert "| `triton-softmax` | rows of 4096 | 87 % |" in written
    assert ("4.50 ×" if lang == "en" else "4.50 倍") in written
    assert "10" in written.split("2026-01-02")[1]
    assert written.endswith("## y\n")
    assert kernel_speed.section(tmp_path, written, lang) == written


def test_a_file_that_holds_no_results_is_named(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/kernels.h100.json").write_text('{"kernels": []}')
    with pytest.raises(ContentError, match=r"benchmarks/kernels\.py"):
        kernel_speed.section(tmp_path, README, "en")
