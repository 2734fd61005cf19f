"""The command line in a real terminal."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pexpect = pytest.importorskip("pexpect")
pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("fake_judge.py")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")
Spawn = Callable[..., Any]


@pytest.fixture
def terminal(python_env: dict[str, str]) -> Iterator[Spawn]:
    """Starts a command in a terminal of 24 lines, with a judge that plays a scenario."""
    children = []

    def spawn(scenario: str, *args: str, columns: int = 80, **environ: str) -> Any:
        env = {key: value for key, value in python_env.items() if key not in ("COLUMNS", "LINES")} | environ
        child = pexpect.spawn(
            sys.executable,
            [str(PROGRAM), scenario, *args],
            env=env,
            encoding="utf-8",
            timeout=20,
            dimensions=(24, columns),
        )
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def _all(child: Any) -> str:
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before).replace("\r\n", "\n")


def _plain(text: str) -> str:
    return ESCAPES.sub("", text)


def test_checks_appear_as_they_end_and_a_pass_is_rolled_up(terminal: Spawn, cli: Any, solve: Any) -> None:
    cli("drill", "gqa")
    solve("gqa")
    child = terminal("pass:0.2", "check")
    child.expect_exact("starting torch")
    child.expect_exact("✓\x1b[0m defined")
    child.expect_exact("… contract")
    rest = _all(child)
    assert "\x1b[5A\x1b[J" in rest
    assert "4 checks in 0.21 s" in _plain(rest)
    assert child.exitstatus == 0


def test_a_failure_keeps_its_lines(terminal: Spawn, cli: Any, solve: Any) -> None:
    cli("drill", "gqa")
    solve("gqa")
    child = terminal("wrong", "check", "--lang", "zh")
    out = _all(child)
    assert child.exitstatus == 1
    assert "结果不对" in out
    assert "A\x1b[J" not in out


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"THINKLLM_COLOR": "never"}])
def test_no_colour_where_none_is_wanted(terminal: Spawn, cli: Any, solve: Any, environ: dict[str, str]) -> None:
    cli("drill", "gqa")
    solve("gqa")
    out = _all(terminal("wrong", "check", **environ))
    assert "✗ values        wrong" in out
    assert "\x1b[3" not in out
    assert ("\x1b" in out) == ("TERM" not in environ)


def test_an_interrupt_exits_130_and_says_one_line(terminal: Spawn, cli: Any, solve: Any) -> None:
    cli("drill", "gqa")
    solve("gqa")
    child = terminal("pass:30", "check")
    child.expect_exact("starting torch")
    child.kill(signal.SIGINT)
    out = _plain(_all(child))
    assert child.exitstatus == 130
    assert "Traceback" not in out
    assert "nothing is lost" in out


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_statement_fits_the_terminal(terminal: Spawn, columns: int) -> None:
    out = _plain(_all(terminal("pass", "drill", "gqa", "--lang", "zh", columns=columns)))
    from thinkllm_drill.cli.cells import width

    statement = out.split("已生成")[0]
    assert "背景" in statement
    assert max(map(width, statement.split("\n"))) <= columns


def test_no_title_is_cut_and_no_word_broken(terminal: Spawn, cli: Any) -> None:
    out = _plain(_all(terminal("pass", "list", columns=62)))
    assert "…" not in out
    assert "Grouped-query\n" in re.sub(r"(?m) +(medium|asked).*$", "", out)
    path = "/somewhere/with/a/rather/long/name/that/does/not/fit.py"
    out = _plain(_all(terminal("pass", "check", path, columns=40)))
    assert path in out


def test_a_long_statement_is_paged_and_a_short_one_is_not(terminal: Spawn, tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGED\ncat >/dev/null\n")
    pager.chmod(0o755)
    assert "PAGED" in _all(terminal("pass", "show", "gqa", PAGER=str(pager)))
    assert "PAGED" not in _all(terminal("pass", "show", "gqa", PAGER=str(pager), THINKLLM_PAGER="never"))
    assert "PAGED" not in _all(terminal("pass", "show", "gqa", PAGER="no-such-pager"))
    assert "Background" in _all(terminal("pass", "show", "gqa", PAGER="no-such-pager"))


@pytest.mark.parametrize(("answer", "code", "shown"), [("y", 0, True), ("n", 1, False), ("", 1, False)])
def test_giving_up_is_asked_for(terminal: Spawn, cli: Any, answer: str, code: int, shown: bool) -> None:
    child = terminal("pass", "solution", "gqa", "--give-up", THINKLLM_PAGER="never")
    child.expect_exact("[y/N]")
    child.sendline(answer)
    out = _all(child)
    assert child.exitstatus == code
    assert ("GroupedQueryAttention" in out) == shown
    assert (cli("solution", "gqa").code == 0) == shown


def test_the_reference_is_coloured(terminal: Spawn, cli: Any) -> None:
    out = _all(terminal("pass", "solution", "gqa", "--give-up", "--yes", THINKLLM_PAGER="never"))
    assert "\x1b[" in out
    assert "class GroupedQueryAttention" in _plain(out)


def test_ending_a_prompt_early_is_no(terminal: Spawn, cli: Any) -> None:
    child = terminal("pass", "solution", "gqa", "--give-up")
    child.expect_exact("[y/N]")
    child.sendcontrol("c")
    _all(child)
    assert child.exitstatus == 130
    assert cli("solution", "gqa").code == 2
