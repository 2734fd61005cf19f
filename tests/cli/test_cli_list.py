from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.cli.cells import width


def test_list_shows_each_exercise_with_its_state(cli: Any, home: Any) -> None:
    cli("drill", "gqa")
    out = cli("list").out
    [line] = [line for line in out.split("\n") if " gqa " in line]
    assert "started" in line
    assert "Grouped-query attention" in line
    assert "15 min" in line
    assert "Attention" in out.split("\n")


def test_asking_creates_nothing(cli: Any, home: Any) -> None:
    for args in (["list"], [], ["progress"], ["next"], ["show", "gqa"], ["config", "list"], ["hint", "gqa", "--again"]):
        cli(*args)
    assert not home.exists()


def test_the_json_contract_of_list(cli: Any) -> None:
    data = cli("list", "--json").json
    assert data["schema"] == 1
    [gqa] = [row for row in data["exercises"] if row["slug"] == "gqa"]
    assert gqa == {
        "slug": "gqa",
        "topic": "attention",
        "title": {"en": "Grouped-query attention", "zh": "分组查询注意力（GQA）"},
        "difficulty": "medium",
        "minutes": 15,
        "status": "new",
        "due": None,
        "asked": "often",
        "kernel": False,
        "strength": None,
    }
    assert [row["slug"] for row in data["exercises"] if row["kernel"]] == ["triton-softmax"]


@pytest.mark.parametrize(
    ("args", "slugs"),
    [
        (["--topic", "attention"], ["gqa"]),
        (["--topic", "注意力", "--lang", "zh"], ["gqa"]),
        (["--difficulty", "easy"], ["softmax"]),
        (["--tag", "LLAMA"], ["gqa"]),
        (["--tag", "nothing"], []),
        (["--status", "new"], ["softmax", "triton-softmax"]),
        (["--status", "started"], []),
        (["--status", "passed"], ["gqa"]),
        (["--status", "passed_speed_unmeasured"], ["gqa"]),
    ],
)
def test_filters(cli: Any, judge: Any, solve: Any, args: list[str], slugs: list[str]) -> None:
    judge.scenario = "unmeasured"
    cli("drill", "gqa")
    solve("gqa")
    assert cli("check").code == 0
    assert [row["slug"] for row in cli("list", "--json", *args).json["exercises"]] == slugs


def test_nothing_that_fits_is_said_on_stderr(cli: Any) -> None:
    result = cli("list", "--tag", "nothing")
    assert (result.code, result.out) == (0, "")
    assert result.err


def test_plain_has_one_line_an_exercise_and_tabs(cli: Any) -> None:
    lines = cli("list", "--plain", "--strength").out.splitlines()
    assert len(lines) == 3
    assert lines[0].split("\t")[:6] == ["gqa", "attention", "new", "medium", "15", "often"]
    assert lines[0].endswith("\tnot measured")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_columns_line_up(cli: Any, lang: str) -> None:
    out = cli("list", "--lang", lang).out
    lines = [line for line in out.split("\n") if line.startswith("  ")]
    for word in ("min", "分钟"):
        places = {width(line[: line.index(word)]) for line in lines if word in line}
        assert len(places) <= 1


def test_the_path_gives_the_order_of_list_and_next(cli: Any, content: Path) -> None:
    stages = [("Models", "模型", '"gqa", "triton-softmax"'), ("Functions", "函数", '"softmax"')]
    rows = [f'[[stage]]\ntitle = {{ en = "{en}", zh = "{zh}" }}\nexercises = [{of}]\n' for en, zh, of in stages]
    (content / "exercises" / "path.toml").write_text("\n".join([*rows, "[chains]"]), encoding="utf-8")
    out = cli("list", "--path").out
    assert [word for word in out.split() if word in ("Models", "gqa", "triton-softmax", "Functions", "softmax")] == [
        "Models",
        "gqa",
        "triton-softmax",
        "Functions",
        "softmax",
    ]
    assert "模型" in cli("--lang", "zh", "list", "--path").out
    assert cli("list", "--path", "--json").json["exercises"][0]["slug"] == "gqa"
    assert cli("next", "--json").json["slug"] == "triton-softmax"  # gqa waits for softmax
