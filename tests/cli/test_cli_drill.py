from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.cli.editor import arguments
from thinkllm_drill.content.attempt import read_header


def test_drill_writes_the_attempt_and_says_how_to_go_on(cli: Any, judge: Any, home: Path) -> None:
    result = cli("drill", "gqa")
    path = home / "attempts/attention/gqa.py"
    assert result.code == 0
    assert result.out == f"Wrote {path} (cloze). Then: thinkllm check\n"
    source = path.read_text()
    ast.parse(source)
    header = read_header(source)
    assert header is not None
    assert (header.slug, header.level) == ("gqa", "cloze")
    assert source.count('raise NotImplementedError("blank') == 4
    assert (home / ".vscode/settings.json").exists()
    assert sys.executable in (home / ".vscode/settings.json").read_text()
    assert judge.started == 1


def test_the_json_contract_of_drill(cli: Any, home: Path) -> None:
    path = str(home / "attempts/attention/gqa.py")
    expected = {"schema": 1, "slug": "gqa", "file": path, "level": "cloze", "resumed": False}
    assert cli("drill", "grouped-query-attention", "--json").json == expected
    assert cli("drill", "GQA", "--json").json == {**expected, "resumed": True}


def test_a_second_drill_changes_nothing(cli: Any, home: Path) -> None:
    cli("drill", "gqa", "--level", "body")
    path = home / "attempts/attention/gqa.py"
    path.write_text(path.read_text() + "\n# mine\n")
    before = path.stat().st_mtime_ns, path.read_bytes()
    result = cli("drill", "gqa")
    assert result.out.startswith(f"Resumed {path} (body)")
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before


def test_level_of_an_attempt_that_exists_is_refused(cli: Any) -> None:
    cli("drill", "gqa")
    result = cli("drill", "gqa", "--level", "body")
    assert result.code == 2
    assert result.err.endswith("hint: thinkllm drill gqa --level body --fresh\n")


def test_fresh_archives_and_says_where(cli: Any, home: Path) -> None:
    cli("drill", "gqa")
    path = home / "attempts/attention/gqa.py"
    path.write_text("# my work\n")
    result = cli("drill", "gqa", "--fresh", "--level", "blank")
    [archived] = (home / "attempts/.archive/attention").iterdir()
    assert archived.read_text() == "# my work\n"
    assert str(archived) in result.out
    assert "(blank)" in result.out
    assert "NotImplementedError" not in path.read_text()


@pytest.mark.parametrize("level", ["cloze", "body", "blank", "bughunt"])
def test_every_level_can_be_drilled(cli: Any, home: Path, level: str) -> None:
    assert cli("drill", "gqa", "--level", level, "--json").json["level"] == level
    assert cli("check").code == 1


def test_after_a_pass_the_level_is_body(cli: Any, solve: Any, home: Path) -> None:
    cli("drill", "gqa")
    solve("gqa")
    assert cli("check").code == 0
    assert cli("drill", "gqa", "--fresh", "--json").json["level"] == "body"
    cli("config", "set", "level", "blank")
    assert cli("drill", "gqa", "--fresh", "--json").json["level"] == "blank"


def test_the_configured_level_is_the_default(cli: Any) -> None:
    cli("config", "set", "level", "body")
    assert cli("drill", "gqa", "--json").json["level"] == "body"


def test_random_picks_one_that_is_not_passed(cli: Any, solve: Any) -> None:
    cli("drill", "gqa")
    solve("gqa")
    cli("check")
    for _ in range(5):
        assert cli("drill", "--random", "--json").json["slug"] in ("softmax", "triton-softmax")
    assert cli("drill", "--random", "--difficulty", "hard", "--json").json["slug"] == "triton-softmax"
    assert cli("drill", "--random", "--topic", "attention", "--json").json["slug"] == "gqa"


@pytest.mark.parametrize("args", [["gqa", "--random"], ["gqa", "--topic", "attention"], ["--topic", "attention"]])
def test_filters_go_with_random_alone(cli: Any, args: list[str]) -> None:
    assert cli("drill", *args).code == 2


def test_nothing_fits_random(cli: Any) -> None:
    assert cli("drill", "--random", "--topic", "attention", "--difficulty", "easy").code == 2


def test_an_exercise_that_cannot_be_graded_here_says_so(cli: Any, judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinkllm_drill.packages.find_spec", lambda name: None)
    result = cli("drill", "triton-softmax")
    assert result.code == 0
    assert "triton" in result.err
    assert "in the checkout: pip install -c constraints.txt '.[kernels]'" in " ".join(result.err.split())
    assert judge.started == 0


def test_edit_opens_the_editor(cli: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = tmp_path / "opened with.txt"
    script = f"import sys, pathlib; pathlib.Path({str(note)!r}).write_text(sys.argv[1])"
    monkeypatch.setenv("EDITOR", f'{sys.executable} -c "{script}"')
    assert cli("drill", "gqa", "--edit").code == 0
    assert note.read_text() == str(home / "attempts/attention/gqa.py")


def test_an_editor_opens_at_the_first_blank(cli: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[list[str]] = []
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr("subprocess.call", lambda command: opened.append(command) or 0)
    monkeypatch.setenv("EDITOR", "/usr/bin/nvim -p")
    cli("drill", "gqa", "--edit")
    path = home / "attempts/attention/gqa.py"
    lines = path.read_text().splitlines()
    line = next(
        number for number, words in enumerate(lines, 1) if words.strip().startswith("raise NotImplementedError")
    )
    assert opened == [["/usr/bin/nvim", "-p", f"+{line}", str(path)]]


@pytest.mark.parametrize(
    ("editor", "given"),
    [
        ("vim", ["+7", "a.py"]),
        ("emacsclient", ["+7", "a.py"]),
        ("code", ["--goto", "a.py:7"]),
        ("hx", ["a.py:7"]),
        ("gedit", ["a.py"]),
    ],
)
def test_how_an_editor_is_told_the_line(editor: str, given: list[str]) -> None:
    assert arguments(editor, Path("a.py"), 7) == given
    assert arguments(editor, Path("a.py"), None) == ["a.py"]


def test_an_editor_that_is_not_there(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "no-such-editor-here")
    result = cli("drill", "gqa", "--edit")
    assert result.code == 3
    assert "no-such-editor-here" in result.err
    assert "thinkllm config set editor" in result.err


def test_the_service_is_not_started_where_it_is_off(cli: Any, judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKLLM_SERVICE", "off")
    cli("drill", "gqa")
    assert judge.started == 0


def test_a_home_that_cannot_be_made(cli: Any, home: Path) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file")
    result = cli("drill", "gqa")
    assert result.code == 3
    assert "--home" in result.err


def test_reset_archives_and_begins_anew(cli: Any, home: Path) -> None:
    assert cli("reset", "gqa").code == 2
    cli("drill", "gqa")
    path = home / "attempts/attention/gqa.py"
    path.write_text("mine")
    result = cli("reset", "gqa", "--json")
    assert result.code == 0
    assert Path(result.json["archived"]).read_text() == "mine"
    assert "NotImplementedError" in path.read_text()
    assert result.json["file"] == str(path)


def test_a_level_that_nobody_chose_is_explained(cli: Any, judge: Any, solve: Any) -> None:
    why = "You passed it before, so the level is body. The easier one:\n  thinkllm drill gqa --fresh --level cloze\n"
    assert why not in cli("drill", "gqa").out
    solve("gqa")
    cli("check")
    assert why in cli("reset", "gqa").out
    assert why in cli("drill", "gqa", "--fresh").out
    assert why not in cli("drill", "gqa").out
    assert why not in cli("drill", "gqa", "--fresh", "--level", "body").out


def test_show(cli: Any) -> None:
    result = cli("show", "gqa")
    assert result.code == 0
    assert result.out.startswith("Grouped-query attention\nAttention · medium · 15 min · asked often\n")
    assert "Interface" in result.out
    assert "\x1b" not in result.out
    assert "任务" in cli("show", "gqa", "--lang", "zh").out
    assert cli("show", "gqa", "--json").json["statement"].startswith("# Grouped-query attention")
    cli("drill", "softmax")
    assert cli("show").out.startswith("Softmax")
