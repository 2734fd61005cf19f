"""`dev mutate`, `dev strength` and `list --strength`, on measurements that are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.author.mutants import mutants
from thinkllm_drill.content import strength
from thinkllm_drill.judge.measured import Measured


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, judge: Any) -> dict[str, Any]:
    """What every source gets; "accepted" are the indices of those that pass."""
    from thinkllm_drill.judge import authoring

    plan: dict[str, Any] = {"accepted": ()}

    def measure(slug: str, sources: Any, seeds: Any, *, first: bool = True, **_: Any) -> Any:
        for seed in seeds:
            for index in range(len(sources)):
                passed = not first or index in plan["accepted"]
                failure = {} if passed else {"check": "softmax.values", "kind": "values", "check_status": "rule"}
                yield Measured(index, seed, "passed" if passed else "failed", **failure)

    monkeypatch.setattr(authoring, "measure", measure)
    return plan


def test_survivors_are_listed_with_their_line_and_change(
    cli: Any, measured: dict[str, Any], content_root: Path
) -> None:
    every = len(mutants((content_root / "solutions/functions/softmax.py").read_text(encoding="utf-8")))
    result = cli("dev", "mutate", "softmax")
    assert (result.code, result.out) == (0, f"softmax: {every}/{every} mutants rejected\n")
    measured["accepted"] = (0,)
    result = cli("dev", "mutate", "softmax")
    assert result.code == 1
    assert result.out.startswith(f"softmax: {every - 1}/{every} mutants rejected\n  line ")
    assert "→" in result.out
    data = cli("dev", "mutate", "softmax", "--json").json["exercises"][0]
    assert (data["mutants"], data["rejected"], len(data["survivors"])) == (every, every - 1, 1)
    assert data["survivors"][0].keys() == {"id", "line", "was", "now"}
    assert cli("dev", "mutate", "softmax", "--rows").out.startswith("[[mutant]]\n")


@pytest.mark.usefixtures("measured")
def test_strength_tells_what_is_wrong_and_exits_1(cli: Any, content: Path) -> None:
    result = cli("dev", "strength", "softmax")
    assert result.code == 1
    assert "is caught by `softmax.values`, not by" in result.out
    assert not list(content.rglob("*.strength.toml"))
    assert "never measured" in cli("dev", "strength", "softmax", "--check").err
    data = cli("dev", "strength", "softmax", "--json").json["exercises"][0]
    assert data["ok"] is False
    assert data["strength"]["mutants"][0] == data["strength"]["mutants"][1] > 50


def test_list_shows_what_was_measured(cli: Any, content: Path) -> None:
    assert "not measured" in cli("list", "--strength").out
    figures = strength.Strength("00", "00", (13, 13), 20, (65, 65), (58, 58), 0, (400, 400), 200, 0.3, 9.5)
    path = content / "graders/functions/softmax.strength.toml"
    path.write_text(strength.dump(figures), encoding="utf-8")
    assert strength.read(path) == figures
    assert "13/13 mistakes, 58/58 mutants" in cli("list", "--strength", "--plain").out
    rows = {row["slug"]: row["strength"] for row in cli("list", "--json").json["exercises"]}
    assert rows == {"softmax": {"mistakes": [13, 13], "mutants": [58, 58]}, "gqa": None, "triton-softmax": None}
    path.write_text("mistakes = 3\n", encoding="utf-8")
    result = cli("list", "--strength")
    assert result.code == 3
    assert "softmax.strength.toml" in result.err
