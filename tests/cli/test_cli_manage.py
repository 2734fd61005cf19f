"""Settings, doctor, the background process, the author's kit."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def test_config_lists_every_setting_with_its_origin(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKLLM_LEVEL", "body")
    rows = {row["key"]: row for row in cli("config", "list", "--json").json["settings"]}
    assert rows["level"]["value"] == "body"
    assert rows["level"]["origin"] == "THINKLLM_LEVEL"
    assert rows["pager"]["choices"] == ["auto", "never", "always"]
    assert "THINKLLM_LEVEL" in cli("config", "list").out


def test_config_get_and_set(cli: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("config", "get", "level").out == "cloze\n"
    assert cli("config", "set", "level", "body").code == 0
    assert (home / "config.toml").read_text() == 'level = "body"\n'
    assert cli("config", "get", "level", "--json").json["value"] == "body"
    monkeypatch.setenv("THINKLLM_LEVEL", "blank")
    assert "THINKLLM_LEVEL" in cli("config", "set", "level", "cloze").err
    assert cli("config", "set", "level", "nonsense").code == 2
    assert cli("config", "set", "nonsense", "1").code == 2
    assert cli("config", "get", "nonsense").code == 2


def test_doctor(cli: Any, judge: Any, home: Path, content_root: Path) -> None:
    result = cli("doctor")
    assert result.code == 0
    assert "works" in result.out
    data = cli("doctor", "--json").json
    facts = {fact["name"]: fact for fact in data["facts"]}
    assert data["schema"] == 1
    assert data["ok"] is True
    assert facts["torch"]["value"] == "2.13.0"
    assert str(content_root) in facts["content"]["value"]
    assert not home.exists()


def test_doctor_exits_3_where_something_is_broken(cli: Any, judge: Any) -> None:
    judge.facts.append(type(judge.facts[0])("torch", False, "cannot be imported", "pip install torch"))
    judge.facts.pop(0)
    result = cli("doctor")
    assert result.code == 3
    assert "hint: pip install torch" in result.out
    assert cli("doctor", "--json").json["ok"] is False


def test_doctor_tells_of_a_database_that_is_too_new(cli: Any, home: Path) -> None:
    import sqlite3

    cli("drill", "gqa")
    with sqlite3.connect(home / "progress.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    result = cli("doctor")
    assert result.code == 3
    assert "99" in result.out
    assert cli("list").code == 3


def test_doctor_tries_whether_grading_works(cli: Any, judge: Any) -> None:
    assert "an example was graded" in cli("doctor").out
    assert judge.examples == [("gqa", ">>> 1 + 1\n2\n")]
    judge.scenario = "gone"
    result = cli("doctor")
    assert result.code == 3
    assert "the service went away" in result.out
    assert cli("doctor", "--quick").code == 0
    assert "评分      the service went away" in cli("doctor", "--lang", "zh").out


def test_a_verb_with_verbs_alone(cli: Any) -> None:
    assert cli("config").out == cli("config", "list").out
    assert cli("service", "--json").json["running"] is False
    assert "render" in cli("dev").out
    result = cli("service", "statu")
    assert (result.code, result.err) == (2, "There is no verb statu.\n\nhint: thinkllm service status\n")


def test_service(cli: Any, judge: Any) -> None:
    assert "not running" in cli("service", "status").out
    assert cli("service", "status", "--json").json["running"] is False
    running = {
        "running": True,
        "pid": 4711,
        "started_at": time.time() - 120,
        "resident_bytes": 300 << 20,
        "socket": "/s",
    }
    judge.status = replace(judge.status, **running)
    out = cli("service", "status").out
    assert "4711" in out
    assert "2 minutes" in out
    assert "300 MiB" in out
    assert cli("service", "status", "--json").json["pid"] == 4711
    assert cli("service", "stop", "--json").json["stopped"] is True
    assert "4711" in cli("service").out


@dataclass(frozen=True)
class Problem:
    file: str
    line: int | None
    message: str


@dataclass(frozen=True)
class Report:
    slug: str
    ok: bool
    problems: list[Problem]
    mistakes: tuple[int, int] = (19, 19)
    honest: tuple[int, int] = (2, 2)
    notes: tuple[str, ...] = ()


@pytest.fixture
def author(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An author's kit that finds one problem in gqa, and what it was asked."""
    import sys

    import thinkllm_drill.author as package

    asked: list[Any] = []

    def check(library: Any, slug: str, **options: Any) -> Report:
        asked.append((slug, sorted(options)))
        problem = Problem("solutions/attention/gqa.py", 7, "unknown key")
        return Report(slug, slug != "gqa", [problem] if slug == "gqa" else [])

    def render(library: Any, slugs: list[str], *, check_only: bool) -> list[Path]:
        asked.append((tuple(slugs), check_only))
        return [Path("exercises/attention/gqa/gqa.py")]

    def create(library: Any, *args: str) -> list[Path]:
        asked.append(args)
        return [Path("exercises/x/y/exercise.toml")]

    for name, functions in {"check": {"check": check}, "render": {"render": render}, "new": {"create": create}}.items():
        module = ModuleType(f"thinkllm_drill.author.{name}")
        module.__dict__.update(functions)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(package, name, module, raising=False)
    return asked


def test_dev_check_prints_problems_by_file_and_line(cli: Any, author: list[Any]) -> None:
    result = cli("dev", "check", "--static")
    assert result.code == 1
    assert result.out == "solutions/attention/gqa.py:7: unknown key\n"
    assert cli("dev", "check", "softmax", "--static").code == 0
    assert {slug for slug, _ in author} == {"gqa", "softmax", "triton-softmax"}


def test_the_json_contract_of_dev_check(cli: Any, author: list[Any]) -> None:
    data = cli("dev", "check", "gqa", "--static", "--json").json
    assert data == {
        "schema": 1,
        "exercises": [
            {
                "slug": "gqa",
                "ok": False,
                "problems": ["solutions/attention/gqa.py:7: unknown key"],
                "mistakes": [19, 19],
                "honest": [2, 2],
            }
        ],
    }


def test_dev_render_and_new(cli: Any, author: list[Any]) -> None:
    assert cli("dev", "render", "gqa").code == 0
    assert cli("dev", "render", "gqa", "--check").code == 1
    result = cli("dev", "new", "x", "y", "--title", "Y", "--title-zh", "歪", "--kind", "object")
    assert result.code == 0
    assert "exercise.toml" in result.out
    assert author[-1] == ("x", "y", "Y", "歪", "object")
    assert cli("dev", "new", "x", "y").code == 2
