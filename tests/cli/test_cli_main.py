from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import typer

from thinkllm_drill import __version__, locale
from thinkllm_drill.cli import MODULES
from thinkllm_drill.cli.framework import root_command
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import EnvironmentProblem, ThinkLLMError

LOCALE = Path(locale.__file__).parent


def test_version(cli: Any) -> None:
    assert cli("--version").out == f"thinkllm-drill {__version__}\n"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("verb", [None, *MODULES])
def test_every_verb_has_a_help_page_in_both_languages(cli: Any, verb: str | None, lang: str) -> None:
    result = cli(*([verb] if verb else []), "--help", "--lang", lang)
    assert result.code == 0
    assert result.err == ""
    assert ("用法" in result.out) == (lang == "zh")
    if verb:
        assert locale.text(f"cli.verbs.{verb}", lang).split()[0] in result.out
    assert max(map(len, result.out.split("\n"))) <= 80


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_parameter_is_explained(lang: str) -> None:
    locale.use(lang)
    root = root_command()
    ctx = typer.Context(root, obj=Session())
    commands = [root, *(root.get_command(ctx, name) for name in MODULES)]
    commands += [inner for command in commands for inner in getattr(command, "commands", {}).values()]
    silent = [(command.name, param.name) for command in commands for param in command.params if not param.help]
    assert silent == []
    assert all(command.help for command in commands)


def test_texts_are_the_same_in_both_languages() -> None:
    tables = {lang: locale.area("cli", lang) for lang in locale.LANGUAGES}
    assert list(tables["en"]) == list(tables["zh"])
    for key, english in tables["en"].items():
        assert _placeholders(english) == _placeholders(tables["zh"][key]), key
        assert tables["zh"][key].strip()


def test_texts_that_the_code_asks_for_exist() -> None:
    known = locale.area("cli", "en")
    sources = "\n".join(path.read_text() for path in LOCALE.parent.rglob("*.py"))
    asked = set(re.findall(r"""text\(f?["']cli\.([\w.{}]+)["']""", sources))
    missing = [key for key in asked if "{" not in key and key not in known]
    assert missing == []
    for pattern in (key for key in asked if "{" in key):
        prefix = pattern.split("{")[0]
        assert any(name.startswith(prefix) for name in known), pattern
    assert [key for key in known if not _is_used(key, asked, sources)] == []


def _is_used(key: str, asked: set[str], sources: str) -> bool:
    patterns = [re.sub(r"\\\{.*?\\\}", r"[\\w-]+", re.escape(name)) for name in asked]
    indirect = ("options.", "verbs.", "topic.", "doctor.name.")
    return (
        key.startswith(indirect) or any(re.fullmatch(pattern, key) for pattern in patterns) or f'"cli.{key}"' in sources
    )


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("args", "words", "hint"),
    [
        (["lst"], "lst", "thinkllm list"),
        (["frobnicate"], "frobnicate", "thinkllm --help"),
        (["list", "--dificulty", "easy"], "--difficulty", "thinkllm list --help"),
        (["list", "--difficulty", "x'y"], "easy, medium, hard", "thinkllm list --help"),
        (["list", "--topic"], "--topic", "thinkllm list --help"),
        (["list", "--topic", "cooking"], "attention, functions, kernels", "thinkllm list"),
        (["show", "gqa", "extra"], "extra", "thinkllm show --help"),
        (["reset"], "SLUG", "thinkllm reset --help"),
        (["config", "lst"], "There is no verb lst.", "thinkllm config list"),
        (["config", "set", "lang"], "VALUE", "thinkllm config set --help"),
        (["--lang", "fr"], "en, zh", "thinkllm --help"),
        (["drill"], "SLUG", "thinkllm next --start"),
        (["show", "attenton"], "closest", "thinkllm list"),
        (["check"], "not worked on anything", "thinkllm next"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_hint(cli: Any, args: list[str], words: str, hint: str) -> None:
    result = cli(*args)
    assert result.code == 2
    assert result.out == ""
    message, _, last = result.err.rstrip("\n").rpartition("\n\n")
    assert words in message
    assert last.startswith("hint: ")
    assert hint in last


def test_the_parsers_errors_are_chinese_too(cli: Any) -> None:
    for args in (
        ["lst"],
        ["list", "--foo"],
        ["list", "--difficulty", "x"],
        ["reset"],
        ["config", "x"],
        ["show", "a", "b"],
    ):
        assert re.search(r"[\u4e00-\u9fff]", cli("--lang", "zh", *args).err)


def test_an_unknown_slug_shows_the_closest_three(cli: Any) -> None:
    assert "triton-softmax" in cli("show", "triton-sotfmax").err.split("\n")[0]


@pytest.mark.parametrize("where", ["before", "after"])
def test_shared_options_stand_before_the_verb_or_after_it(cli: Any, tmp_path: Path, where: str) -> None:
    shared = ["--lang", "zh", "--home", str(tmp_path / "other"), "--no-color", "--json"]
    args = [*shared, "drill", "gqa"] if where == "before" else ["drill", "gqa", *shared]
    result = cli(*args)
    assert result.code == 0
    assert result.json["file"] == str(tmp_path / "other/attempts/attention/gqa.py")
    assert "任务" in Path(result.json["file"]).read_text()


def test_language_flag_beats_environment_beats_config_beats_locale(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "用法" in cli("--help").out
    cli("config", "set", "lang", "en")
    assert "Usage" in cli("--help").out
    monkeypatch.setenv("THINKLLM_LANG", "zh")
    assert "用法" in cli("--help").out
    assert "Usage" in cli("--help", "--lang", "en").out
    assert "Usage" in cli("--help", "--lang=en").out


def test_an_environment_problem_exits_3(cli: Any, judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise EnvironmentProblem("no disk", hint="buy one")

    monkeypatch.setattr(Session, "statuses", fail)
    result = cli("list")
    assert (result.code, result.err) == (3, "no disk\n\nhint: buy one\n")


def test_our_own_fault_leaves_a_crash_file_and_no_traceback(
    cli: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("oh\x1b[31m no")

    monkeypatch.setattr(Session, "statuses", fail)
    result = cli("list")
    assert result.code == 4
    assert result.out == ""
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err
    [file] = (home / "crashes").iterdir()
    assert str(file) in result.err
    content = file.read_text()
    assert "ZeroDivisionError" in content
    assert f"thinkllm-drill {__version__}" in content
    assert "thinkllm list" in content


def test_a_crash_is_told_even_where_nothing_can_be_written(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Session, "statuses", fail)
    monkeypatch.setattr(Path, "write_text", _refuse)
    result = cli("list")
    assert result.code == 4
    assert "ZeroDivisionError" in result.err


def _refuse(*_: object, **__: object) -> None:
    raise OSError("read-only")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (typer.Abort(), 130), (typer.Exit(3), 3)])
def test_interrupts_and_exits(cli: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Session, "statuses", fail)
    assert cli("list").code == code


def test_a_broken_config_is_told_and_can_be_mended(cli: Any, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("lang = \n")
    broken = cli("list")
    assert broken.code == 3
    assert "config.toml:1" in broken.err
    assert cli("doctor").code == 3
    assert cli("--help").code == 0
    (home / "config.toml").write_text('lang = "xx"\n')
    assert cli("list").code == 2
    assert cli("config", "set", "lang", "zh").code == 0
    assert "用法" in cli("--help").out


@pytest.mark.parametrize(
    ("args", "code"), [(["list", "--plain"], 0), (["show", "gqa"], 0), (["--help"], 0), (["show", "nothing"], 2)]
)
def test_a_reader_that_goes_away_is_met_with_silence(python_env: dict[str, str], args: list[str], code: int) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "thinkllm_drill", *args]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=python_env, check=False)
    os.close(write)
    assert done.returncode == code
    assert b"BrokenPipe" not in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_ascii_terminal_is_no_problem(python_env: dict[str, str]) -> None:
    env = {**python_env, "PYTHONIOENCODING": "ascii", "THINKLLM_LANG": "zh"}
    for args in (["list"], ["list", "--json"], ["--help"], ["show", "gqa"], ["lst"]):
        done = subprocess.run(
            [sys.executable, "-m", "thinkllm_drill", *args], capture_output=True, env=env, check=False
        )
        assert done.returncode in (0, 2)
        done.stdout.decode("ascii")
        assert b"Traceback" not in done.stderr


def test_errors_know_their_codes() -> None:
    assert {cls.__name__: cls.exit_code for cls in ThinkLLMError.__subclasses__()} == {
        "UsageError": 2,
        "ContentError": 3,
        "EnvironmentProblem": 3,
        "ProgressError": 3,
        "InternalError": 4,
    }


def test_locale_files_are_valid() -> None:
    for lang in locale.LANGUAGES:
        tomllib.loads((LOCALE / lang / "cli.toml").read_text())
