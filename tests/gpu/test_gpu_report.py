"""The charts of what was timed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from thinkllm_drill import locale
from thinkllm_drill.report.page import page
from thinkllm_drill.report.roofline import measured
from thinkllm_drill.verdict import Check, Verdict

FIGURES: dict[str, Any] = {
    "case": "rows of 4096",
    "outcome": "passed",
    "against": "copy",
    "at_least": 0.6,
    "star": 0.8,
    "share": {"value": 0.75, "low": 0.74, "high": 0.76},
    "seconds": {"attempt": 2.4e-4, "copy": 1.8e-4, "eager": 9e-4, "compile": 2.2e-4},
    "shares": {},
    "bytes": 536_870_912,
    "flops": None,
    "copy_bytes_per_second": 2.98e12,
    "peak_flops": None,
    "device": "NVIDIA H100 80GB HBM3",
    "reason": None,
    "launches": 1,
}
DENSE = FIGURES | {"case": "a <matmul>", "against": "cublas", "flops": 4 * 10**11, "peak_flops": 989e12}
DENSE["seconds"] = {"attempt": 7e-4, "cublas": 6e-4, "copy": 1.8e-4}


def verdict(*rows: dict[str, Any]) -> Verdict:
    check = Check("speed", "speed", "speed", "passed", speeds=rows)
    return Verdict("triton-softmax", "x.py", "passed", "00", 1.0, checks=(check,))


def test_nothing_is_drawn_where_nothing_was_measured() -> None:
    assert measured(verdict()) is None
    assert measured(verdict(FIGURES | {"outcome": "suspect"})) is None


def test_a_lane_shows_everybody_by_their_share() -> None:
    chart = measured(verdict(FIGURES))
    assert chart is not None
    assert chart.roof is None
    (lane,) = chart.lanes
    assert {dot.name: round(dot.share, 2) for dot in lane.dots} == {"attempt": 0.75, "eager": 0.2, "compile": 0.82}
    assert lane.low < next(dot.x for dot in lane.dots if dot.name == "attempt") < lane.high < lane.limit
    assert lane.asked == pytest.approx(0.6 * lane.limit)


def test_a_point_lies_below_its_roof() -> None:
    chart = measured(verdict(FIGURES, DENSE))
    assert chart is not None
    assert chart.roof is not None
    (point,) = chart.roof.points
    assert point.intensity == pytest.approx(4e11 / 536_870_912)
    (_, _), (knee, flat), (_, end) = chart.roof.line
    assert flat == end < point.y
    assert 0 < knee < 100
    assert 0 < point.x < 100


@pytest.mark.parametrize("lang", locale.LANGUAGES)
def test_the_charts_are_well_formed_and_escaped(lang: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from xml.etree import ElementTree

    from thinkllm_drill.report import page as module

    template = '{% from "roofline.html" import measured_on_gpu %}{{ measured_on_gpu(chart, 1) }}'
    (tmp_path / "roofline.html").write_text((module._TEMPLATES / "roofline.html").read_text())
    (tmp_path / "only.html").write_text(template)
    monkeypatch.setattr(module, "_TEMPLATES", tmp_path)
    before = locale.current()
    locale.use(lang)
    try:
        html = page("only.html", chart=measured(verdict(FIGURES, DENSE)))
    finally:
        locale.use(before)
    ElementTree.fromstring(f"<div>{html}</div>")
    assert "a &lt;matmul&gt;" in html
    assert len(re.findall("<svg", html)) == 4


def test_a_verdict_keeps_its_figures() -> None:
    kept = verdict(FIGURES)
    assert Verdict.from_json(kept.to_json()) == kept
    without = kept.to_json()
    for check in without["checks"]:
        del check["speeds"]  # as it was recorded before there were any
    assert Verdict.from_json(without) == replace(kept, checks=(replace(kept.checks[0], speeds=()),))
