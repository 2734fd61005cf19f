"""What a command imports and how long it takes; shell completion."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("torch", "numpy", "pytest")
LIGHT = ("rich", "jinja2", "msgspec", "markdown_it", "pygments")
PROBE = """
import contextlib, io, json, sys

opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from thinkllm_drill.cli import main

names, *lines = json.loads(sys.argv[1])
found = []
for line in lines:
    opened.clear()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = main(line)
    data = [file for file in opened if file.endswith((".toml", ".db"))]
    found.append([code, [name for name in names if name in sys.modules], data])
print(json.dumps(found))
"""


def _probe(env: dict[str, str], names: tuple[str, ...], *lines: list[str]) -> list[Any]:
    """For each command line, run one after the other: exit code, which modules are loaded, which data was opened."""
    command = [sys.executable, "-c", PROBE, json.dumps([names, *lines])]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    return list(json.loads(done.stdout))


def test_no_verb_imports_torch(python_env: dict[str, str]) -> None:
    lines = [
        [],
        ["--help"],
        ["list"],
        ["drill", "gqa"],
        ["show", "gqa"],
        ["check", "gqa"],
        ["hint", "gqa"],
        ["solution", "gqa", "--give-up"],
        ["next"],
        ["progress"],
        ["reset", "gqa"],
        ["config", "list"],
        ["check", "--help"],
        ["debug", "--help"],
        ["dev", "--help"],
    ]
    found = _probe({**python_env, "THINKLLM_SERVICE": "off"}, HEAVY, *lines)
    for line, (code, loaded, _) in zip(lines, found, strict=True):
        assert (code, loaded) == (int(line == ["check", "gqa"]), []), line


def test_list_needs_neither_rich_nor_templates_nor_schemas(indexed: dict[str, str]) -> None:
    assert [loaded for _, loaded, _ in _probe(indexed, LIGHT, ["list"], ["--help"], ["progress"], ["next"])] == [[]] * 4


@pytest.mark.slow
def test_list_takes_at_most_twice_the_time_of_its_libraries(python_env: dict[str, str]) -> None:
    def best(*args: str) -> float:
        times = []
        for _ in range(8):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *args], env=python_env, check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times)

    hint = [sys.executable, "-m", "thinkllm_drill", "hint", "gqa"]
    subprocess.run(hint, env=python_env, check=True, capture_output=True)
    assert Path(python_env["THINKLLM_HOME"], "progress.db").exists()
    assert best("-m", "thinkllm_drill", "list") <= 2 * best("-c", "import typer, rich.console")


@pytest.fixture
def indexed(python_env: dict[str, str]) -> dict[str, str]:
    """The environment, with an index of the content in the cache."""
    subprocess.run([sys.executable, "-m", "thinkllm_drill", "list"], env=python_env, check=True, capture_output=True)
    return python_env


def _asked(shell: str, line: str) -> dict[str, str]:
    """What a shell puts into the environment to ask for the end of a line."""
    words = line.split(" ")
    asked = {
        "bash": {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    return {**asked, "_THINKLLM_COMPLETE": f"complete_{shell}"}


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("thinkllm d", ["drill", "debug", "doctor", "dev"]),
        ("thinkllm drill ", ["gqa", "softmax", "triton-softmax"]),
        ("thinkllm drill tri", ["triton-softmax"]),
        ("thinkllm drill triton_", ["triton_softmax"]),
        ("thinkllm drill gqa --level bo", ["body"]),
        ("thinkllm check so", ["softmax"]),
        ("thinkllm list --topic a", ["attention"]),
        ("thinkllm --lang zh hint g", ["gqa"]),
        ("thinkllm config ", ["list", "get", "set"]),
        ("thinkllm config set edi", ["editor"]),
        ("thinkllm dev check s", ["softmax"]),
        ("thinkllm list --pl", ["--plain"]),
    ],
)
def test_shells_complete_verbs_slugs_and_options(
    cli: Any, monkeypatch: pytest.MonkeyPatch, shell: str, line: str, expected: list[str]
) -> None:
    for name, value in _asked(shell, line).items():
        monkeypatch.setenv(name, value)
    result = cli()
    assert (result.code, result.out.split(), result.err) == (0, expected, "")


def test_zsh_completes_slugs(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _asked("zsh", "thinkllm drill ").items():
        monkeypatch.setenv(name, value)
    out = cli().out
    assert all(f'"{slug}"' in out for slug in ("gqa", "softmax", "triton-softmax"))


@pytest.mark.parametrize("line", ["thinkllm drill ", "thinkllm li", "thinkllm config set edi"])
def test_completion_opens_no_toml_and_no_database(indexed: dict[str, str], line: str) -> None:
    names = (*HEAVY, *LIGHT, "sqlite3")
    assert _probe({**indexed, **_asked("bash", line)}, names, []) == [[0, [], []]]


def test_completion_of_broken_content_is_empty(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _asked("bash", "thinkllm drill ").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("THINKLLM_CONTENT", str(tmp_path / "nowhere"))
    result = cli()
    assert (result.code, result.out.strip(), result.err) == (0, "", "")


@pytest.mark.slow
def test_bash_itself_completes(indexed: dict[str, str], tmp_path: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    program = tmp_path / "bin/thinkllm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m thinkllm_drill "$@"\n')
    program.chmod(0o755)
    env = {**indexed, "PATH": f"{program.parent}:{os.environ['PATH']}", "PS1": "$ "}
    shell = pexpect.spawn(
        "bash", ["--norc", "--noprofile"], env=env, encoding="utf-8", timeout=20, dimensions=(24, 100)
    )
    shell.expect_exact("$ ")
    shell.sendline('source <(thinkllm --show-completion bash); echo rea""dy')
    shell.expect_exact("ready")
    shell.expect_exact("$ ")
    shell.send("thinkllm drill tri\t")
    shell.expect_exact("ton-softmax")
    shell.close(force=True)
