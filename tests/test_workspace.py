"""The learner's files are created, read, archived, and never overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

import thinkllm_drill
from thinkllm_drill.errors import EnvironmentProblem, UsageError
from thinkllm_drill.files import write_exclusively
from thinkllm_drill.settings import load
from thinkllm_drill.workspace import MAX_BYTES, Workspace

NOW = datetime(2026, 3, 4, 5, 6, 7)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(load({"home": str(tmp_path / "学习 home")}, {}))


@pytest.fixture
def attempt(workspace: Workspace) -> Path:
    return workspace.write_new(workspace.attempt_path("attention", "kv-cache"), "# 中文\nx = 1\n")


def test_attempt_path(workspace: Workspace) -> None:
    path = workspace.attempt_path("attention", "kv-cache")
    assert path == workspace.settings.attempts / "attention" / "kv_cache.py"


def test_write_new_writes_utf8_with_plain_newlines(attempt: Path) -> None:
    assert attempt.read_bytes() == "# 中文\nx = 1\n".encode()
    assert [path.name for path in attempt.parent.iterdir()] == ["kv_cache.py"]
    mask = os.umask(0)
    os.umask(mask)
    assert attempt.stat().st_mode & 0o777 == 0o666 & ~mask


def test_write_new_never_overwrites(workspace: Workspace, attempt: Path) -> None:
    with pytest.raises(UsageError) as error:
        workspace.write_new(attempt, "lost")
    assert error.value.hint == "thinkllm drill kv-cache --fresh"
    assert attempt.read_text(encoding="utf-8") == "# 中文\nx = 1\n"


def test_write_new_leaves_a_dangling_link_alone(workspace: Workspace, attempt: Path) -> None:
    attempt.unlink()
    attempt.symlink_to("nowhere.py")
    with pytest.raises(UsageError):
        workspace.write_new(attempt, "x")
    assert attempt.is_symlink()


def test_one_of_many_writers_wins(tmp_path: Path) -> None:
    path, won = tmp_path / "a.py", []

    def write(number: int) -> None:
        try:
            write_exclusively(path, str(number) * 1000)
            won.append(number)
        except FileExistsError:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert path.read_text() == str(won[0]) * 1000
    assert list(tmp_path.iterdir()) == [path]


def test_write_new_without_hard_links(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    path = workspace.attempt_path("rl", "ppo")
    assert workspace.write_new(path, "a").read_text() == "a"
    with pytest.raises(UsageError):
        workspace.write_new(path, "b")
    assert path.read_text() == "a"


def test_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    workspace = Workspace(load({"home": str(tmp_path / "home")}, {}))
    with pytest.raises(EnvironmentProblem):
        workspace.write_new(workspace.attempt_path("rl", "ppo"), "")


def test_archive_moves_and_names_the_time(workspace: Workspace, attempt: Path) -> None:
    archived = workspace.archive(attempt, NOW)
    assert archived == workspace.settings.archive / "attention" / "kv-cache-20260304-050607.py"
    assert archived.read_text(encoding="utf-8") == "# 中文\nx = 1\n"
    assert not attempt.exists()


def test_archive_never_clobbers(workspace: Workspace, attempt: Path) -> None:
    archived = [workspace.archive(attempt, NOW)]
    for number in range(2):
        workspace.write_new(attempt, str(number))
        archived.append(workspace.archive(attempt, NOW))
    assert [path.read_text(encoding="utf-8") for path in archived] == ["# 中文\nx = 1\n", "0", "1"]


def test_archive_tells_local_time(workspace: Workspace, attempt: Path) -> None:
    aware = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert f"{aware.astimezone():%Y%m%d-%H%M%S}" in workspace.archive(attempt, aware).name


def test_archive_of_nothing(workspace: Workspace) -> None:
    with pytest.raises(UsageError):
        workspace.archive(workspace.attempt_path("attention", "gqa"), NOW)
    assert not workspace.settings.archive.exists()


def test_read_gives_the_bytes_as_they_are(workspace: Workspace, attempt: Path) -> None:
    attempt.write_bytes(b"\xef\xbb\xbfx = 1\r\n\xff")
    assert workspace.read(attempt) == b"\xef\xbb\xbfx = 1\r\n\xff"


def test_read_refuses_what_is_no_attempt(workspace: Workspace, attempt: Path) -> None:
    with pytest.raises(UsageError) as missing:
        workspace.read(workspace.attempt_path("attention", "gqa"))
    assert missing.value.hint == "thinkllm drill gqa"
    with pytest.raises(UsageError, match="folder"):
        workspace.read(attempt.parent)
    with pytest.raises(UsageError):
        workspace.read(Path("a\0b.py"))
    fifo = attempt.with_name("fifo.py")
    os.mkfifo(fifo)
    with pytest.raises(UsageError, match="ordinary"):
        workspace.read(fifo)
    attempt.write_bytes(b"#" * MAX_BYTES)
    assert len(workspace.read(attempt)) == MAX_BYTES
    attempt.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(UsageError, match="1 MiB"):
        workspace.read(attempt)


def test_read_of_an_unreadable_file(workspace: Workspace, attempt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(UsageError, match="Permission denied") as error:
        workspace.read(attempt)
    assert "chmod" in str(error.value.hint)


def test_find_by_place(workspace: Workspace, attempt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert workspace.find_by_file(attempt) == "kv-cache"
    monkeypatch.chdir(attempt.parent)
    assert workspace.find_by_file(Path("kv_cache.py")) == "kv-cache"
    assert workspace.find_by_file(workspace.archive(attempt, NOW)) == "kv-cache"


def test_find_by_header(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_bytes("\ufeff# thinkllm-drill top-p · cloze · 0123456789\r\nx = 1\r\n".encode())
    assert workspace.find_by_file(file) == "top-p"
    assert workspace.find_by_file(file, known={"mine"}) == "mine"
    assert workspace.find_by_file(file, known={"gqa"}) is None


def test_find_by_name(workspace: Workspace, tmp_path: Path) -> None:
    assert workspace.find_by_file(tmp_path / "KV_Cache.py") == "kv-cache"
    assert workspace.find_by_file(tmp_path / "notes.txt") is None


def interpreter(folder: Path, *, environment: bool = True) -> str:
    (folder / "bin").mkdir(parents=True)
    if environment:
        (folder / "pyvenv.cfg").write_text("")
    return str(folder / "bin" / "python")


def settings_of(workspace: Workspace, name: str) -> dict[str, object]:
    return dict(json.loads((workspace.settings.home / name).read_text(encoding="utf-8")))


def test_editors_are_told_the_interpreter_once(workspace: Workspace, tmp_path: Path) -> None:
    python = interpreter(tmp_path / "venv")
    written = workspace.prepare_editor_settings(python)
    assert {path.name for path in written} == {"settings.json", "pyrightconfig.json", "README.md"}
    assert settings_of(workspace, ".vscode/settings.json") == {"python.defaultInterpreterPath": python}
    assert settings_of(workspace, "pyrightconfig.json")["venv"] == "venv"
    assert python in (workspace.settings.home / "README.md").read_text(encoding="utf-8")
    assert workspace.prepare_editor_settings(python) == []


def test_editor_settings_follow_the_interpreter(workspace: Workspace, tmp_path: Path) -> None:
    workspace.prepare_editor_settings(interpreter(tmp_path / "old"))
    new = interpreter(tmp_path / "system", environment=False)
    assert len(workspace.prepare_editor_settings(new)) == 3
    assert settings_of(workspace, ".vscode/settings.json") == {"python.defaultInterpreterPath": new}
    assert settings_of(workspace, "pyrightconfig.json") == {"include": ["attempts"]}


def test_what_the_user_wrote_stays(workspace: Workspace, tmp_path: Path) -> None:
    home = workspace.settings.home
    (home / ".vscode").mkdir(parents=True)
    (home / ".vscode" / "settings.json").write_text('{\n  "editor.fontSize": 14\n}\n')
    (home / "pyrightconfig.json").write_text('{\n\t"include": ["all"]\n}')
    (home / "README.md").write_text("mine")
    workspace.prepare_editor_settings(interpreter(tmp_path / "old"))
    vscode = home / ".vscode" / "settings.json"
    assert '\n  "editor.fontSize": 14,\n  "python' in vscode.read_text()
    assert settings_of(workspace, "pyrightconfig.json")["include"] == ["all"]
    vscode.write_text('{"python.defaultInterpreterPath": "/mine"}')
    workspace.prepare_editor_settings(interpreter(tmp_path / "new"))
    assert vscode.read_text() == '{"python.defaultInterpreterPath": "/mine"}'
    assert settings_of(workspace, "pyrightconfig.json")["venv"] == "new"
    assert (home / "README.md").read_text() == "mine"


def test_what_the_user_took_out_stays_out(workspace: Workspace, tmp_path: Path) -> None:
    home = workspace.settings.home
    workspace.prepare_editor_settings(interpreter(tmp_path / "old"))
    (home / ".vscode" / "settings.json").write_text("{}")
    (home / "README.md").unlink()
    workspace.prepare_editor_settings(interpreter(tmp_path / "new"))
    assert settings_of(workspace, ".vscode/settings.json") == {}
    assert not (home / "README.md").exists()


@pytest.mark.parametrize("content", ['// mine\n{"a": 1,}\n', "[1]", '{"a": ', "\udcff"])
def test_settings_that_are_no_plain_json_are_left_alone(workspace: Workspace, tmp_path: Path, content: str) -> None:
    file = workspace.settings.home / ".vscode" / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert file not in workspace.prepare_editor_settings(interpreter(tmp_path / "venv"))
    assert file.read_bytes() == content.encode("utf-8", "surrogateescape")


def test_settings_that_cannot_be_written_stop_nothing(workspace: Workspace, tmp_path: Path) -> None:
    workspace.settings.home.mkdir()
    (workspace.settings.home / ".vscode").write_text("a file")
    written = workspace.prepare_editor_settings(interpreter(tmp_path / "venv"))
    assert {path.name for path in written} == {"pyrightconfig.json", "README.md"}


def test_settings_and_files_cost_little_to_import() -> None:
    heavy = ("torch", "sqlite3", "platformdirs", "msgspec", "jinja2", "rich", "tempfile")
    code = f"import sys, thinkllm_drill.workspace; print([name for name in {heavy} if name in sys.modules])"
    environ = os.environ | {"PYTHONPATH": str(Path(thinkllm_drill.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
