"""Hints, the reference, what is next, progress."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.progress.store import Store


def test_hints_come_one_by_one_and_are_counted(cli: Any, home: Path) -> None:
    cli("drill", "gqa")
    heads = [cli("hint").out.split("\n")[0] for _ in range(3)]
    assert heads == [f"Grouped-query attention · hint {number} of 3" for number in (1, 2, 3)]
    last = cli("hint")
    assert last.code == 2
    assert "thinkllm hint gqa --again" in last.err
    assert last.err.endswith("thinkllm solution gqa --give-up\n")
    again = cli("hint", "--again")
    assert [line for line in again.out.split("\n") if "hint " in line] == heads
    with Store.open(home / "progress.db") as store:
        assert store.status("gqa").hints == 3


def test_again_before_any_hint_is_refused_and_counts_nothing(cli: Any, home: Path) -> None:
    result = cli("hint", "gqa", "--again")
    assert result.code == 2
    assert result.err.endswith("hint: thinkllm hint gqa\n")
    assert not home.exists()


def test_hints_as_json_and_in_chinese(cli: Any) -> None:
    data = cli("hint", "gqa", "--json", "--lang", "zh").json
    assert (data["slug"], data["total"], data["hints"][0]["number"]) == ("gqa", 3, 1)
    assert "查询头" in data["hints"][0]["text"]


def test_the_reference_opens_after_a_pass(cli: Any, judge: Any, solve: Any) -> None:
    cli("drill", "gqa")
    solve("gqa")
    refused = cli("solution", "gqa")
    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.endswith("hint: thinkllm solution gqa --give-up\n")
    judge.scenario = "wrong"
    cli("check")
    assert cli("solution", "gqa").code == 2
    judge.scenario = "pass"
    cli("check")
    opened = cli("solution", "gqa")
    assert opened.code == 0
    assert "class GroupedQueryAttention" in opened.out
    assert "# region" not in opened.out
    assert "\x1b" not in opened.out


def test_giving_up_is_recorded(cli: Any, home: Path) -> None:
    cli("drill", "gqa")
    assert cli("solution", "gqa", "--give-up", "--yes").code == 0
    assert cli("solution", "gqa").code == 0
    for _ in range(4):
        last = cli("hint", "gqa")
    assert last.err.endswith("thinkllm solution gqa\n")
    with Store.open(home / "progress.db") as store:
        status = store.status("gqa")
        given_up = [event.payload["given_up"] for event in store.events("gqa") if event.kind == "solution"]
    assert status.gave_up
    assert not status.passed
    assert given_up == [True, False]


def test_a_bughunt_does_not_open_the_reference(cli: Any) -> None:
    cli("drill", "gqa", "--level", "bughunt")
    assert cli("solution", "gqa").code == 2


def test_the_difference_between_attempt_and_reference(cli: Any, solve: Any, home: Path) -> None:
    assert cli("solution", "gqa", "--diff", "--give-up").code == 2
    cli("drill", "gqa")
    result = cli("solution", "gqa", "--diff", "--give-up")
    assert result.code == 0
    assert '-        raise NotImplementedError("blank 2' in result.out
    assert "+        scores = torch.einsum" in result.out
    assert "thinkllm-drill gqa ·" not in result.out
    solve("gqa")
    assert cli("solution", "gqa", "--diff").out == "Your code and the reference are the same.\n"


def test_variants(cli: Any) -> None:
    result = cli("solution", "gqa", "--variants", "--give-up")
    assert result.code == 0
    assert "# ── folded ──" in result.out
    assert "# ── loop ──" in result.out
    assert set(cli("solution", "gqa", "--variants", "--json").json["variants"]) == {"folded", "loop"}
    assert cli("solution", "gqa", "--variants", "--diff").code == 2


def test_a_refused_solution_of_no_variants_records_nothing(cli: Any, home: Path) -> None:
    assert cli("solution", "triton-softmax", "--variants", "--give-up").code == 2
    assert cli("solution", "triton-softmax").code == 2


def test_next_takes_what_is_ready_easy_and_asked_often(cli: Any, solve: Any) -> None:
    assert cli("next", "--json").json["slug"] == "softmax"
    cli("drill", "softmax")
    assert "you have begun it" in cli("next").out
    solve("softmax", "functions")
    cli("check")
    following = cli("next")
    assert "Grouped-query attention" in following.out
    assert "softmax" in following.out
    assert cli("next", "--json").json["slug"] == "gqa"
    assert cli("next", "--start").out.startswith("Wrote ")
    solve("gqa")
    cli("check", "gqa")
    assert cli("next", "--json").json["slug"] == "triton-softmax"


def test_when_everything_is_passed(cli: Any, solve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinkllm_drill.packages.find_spec", lambda name: object())
    for slug, topic in (("gqa", "attention"), ("softmax", "functions"), ("triton-softmax", "kernels")):
        cli("drill", slug)
        solve(slug, topic)
        assert cli("check", slug).code == 0
    out = cli("next").out
    assert out.startswith("You have passed every exercise.\n\nGrouped-query attention · ")
    assert out.endswith("Because: practised longest ago.\n\nThen: thinkllm drill gqa --fresh --level body\n")
    data = cli("next", "--json").json
    assert (data["slug"], data["review"], data["level"]) == ("gqa", True, "body")
    assert "3 of 3 passed" in cli().out
    assert "thinkllm drill gqa --fresh --level body" in cli().out
    assert "(body)" in cli("next", "--start").out
    assert cli("next", "--json").json["slug"] == "softmax"


def test_an_exercise_that_cannot_be_graded_here_is_no_review(
    cli: Any, solve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as here:
        here.setattr("thinkllm_drill.packages.find_spec", lambda name: object())
        for slug, topic in (("triton-softmax", "kernels"), ("gqa", "attention"), ("softmax", "functions")):
            cli("drill", slug)
            solve(slug, topic)
            cli("check", slug)
    monkeypatch.setattr("thinkllm_drill.packages.find_spec", lambda name: None)
    assert cli("next", "--json").json["slug"] == "gqa"


def test_a_bughunt_has_no_hints(cli: Any, judge: Any, home: Path) -> None:
    path = Path(cli("drill", "gqa", "--level", "bughunt", "--json").json["file"])
    assert "One mistake is planted" in cli("check").out
    result = cli("hint")
    assert (result.code, result.err.split("\n")[-2]) == (2, "hint: thinkllm check gqa")
    path.write_text(path.read_text() + "\nx = 1\n")
    judge.scenario = "wrong"
    assert "thinkllm hint" not in cli("check").out


def test_progress(cli: Any, judge: Any, solve: Any) -> None:
    assert cli("progress").code == 0
    cli("drill", "gqa")
    solve("gqa")
    cli("hint", "gqa")
    cli("check")
    result = cli("progress")
    lines = {line.split()[0]: line.split()[1:] for line in result.out.split("\n") if line.strip()}
    assert lines["Attention"] == ["1/1", "0", "1"]
    assert lines["all"] == ["1/3", "0", "1"]
    assert lines["Streak"] == ["1", "day"]
    assert "Weak spots" in result.out
    data = cli("progress", "--json").json
    assert data["total"] == {"total": 3, "passed": 1, "started": 0, "runs": 1}
    assert data["streak"] == 1
    assert data["weak"][0]["slug"] == "gqa"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_today_at_a_glance(cli: Any, lang: str) -> None:
    first = cli("--lang", lang)
    assert "thinkllm drill softmax" in first.out
    cli("drill", "gqa")
    second = cli("--lang", lang)
    assert "thinkllm check gqa" in second.out
    assert "thinkllm drill softmax" in second.out
    assert cli("--json").json == {
        "schema": 1,
        "passed": 0,
        "total": 3,
        "streak": 0,
        "current": "gqa",
        "next": "softmax",
        "interview": None,
        "due": {"exercises": 0, "questions": 0},
    }


def test_an_exercise_that_is_no_longer_there_is_no_trouble(
    cli: Any, content_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    cli("drill", "gqa")
    cli("check")
    smaller = tmp_path / "smaller"
    shutil.copytree(content_root, smaller)
    shutil.rmtree(smaller / "exercises/attention")
    monkeypatch.setenv("THINKLLM_CONTENT", str(smaller))
    for args in ([], ["list"], ["progress"], ["next"]):
        assert cli(*args).code == 0
    assert cli("check").code == 2


def test_a_damaged_database_is_set_aside_and_told_once(cli: Any, home: Path) -> None:
    cli("drill", "gqa")
    (home / "progress.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    first = cli("list")
    assert first.code == 0
    assert "damaged" in first.err
    assert cli("list").err == ""
