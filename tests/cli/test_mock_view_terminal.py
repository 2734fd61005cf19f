"""The full-screen view in a real terminal: begun, used, left, killed; the terminal is as it was found."""

from __future__ import annotations

import re
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.content.blanks import render

pexpect = pytest.importorskip("pexpect")
pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("fake_judge.py")
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
Spawn = Callable[..., Any]


@pytest.fixture
def terminal(python_env: dict[str, str]) -> Iterator[Spawn]:
    """Starts a command in a terminal, with a judge that plays a scenario."""
    children = []

    def spawn(*args: str, scenario: str = "pass", size: tuple[int, int] = (24, 80), **environ: str) -> Any:
        env = {key: value for key, value in python_env.items() if key not in ("COLUMNS", "LINES")} | environ
        command = [str(PROGRAM), scenario, *args]
        child = pexpect.spawn(sys.executable, command, env=env, encoding="utf-8", timeout=20, dimensions=size)
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def _rest(child: Any) -> str:
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before).replace("\r\n", "\n")


def _modes(child: Any) -> int:
    return int(termios.tcgetattr(child.child_fd)[3] & (termios.ICANON | termios.ECHO))


def _solve(content_root: Path, home: Path, slug: str, topic: str) -> None:
    solution = (content_root / "solutions" / topic / f"{slug}.py").read_text()
    (home / "mock" / "1" / f"{slug}.py").write_text(render(solution, "bughunt"))


def test_an_interview_from_the_start_screen_to_the_result(terminal: Spawn, home: Path, content_root: Path) -> None:
    child = terminal("mock")
    child.expect_exact(ENTER)
    child.expect_exact("45 minutes")
    child.send("\x1b[D" * 8)
    child.expect_exact("5 minutes")
    child.send("\r")  # nothing is as short
    child.expect("No exercise fits")
    child.send("\x1b[C" * 5)
    child.expect_exact("30 minutes")
    child.send("\r")
    child.expect_exact("until")
    first = child.expect(["softmax.py", "gqa.py"])
    _solve(content_root, home, *[("softmax", "functions"), ("gqa", "attention")][first])
    child.expect_exact("saved ")
    child.send("c")
    child.expect_exact("It passes.")
    child.expect_exact("2 runs left")
    child.send("u")
    child.expect_exact("cannot take it back")
    child.send("y")
    child.expect_exact("Question 1 of")
    child.send("\x1b")
    child.expect_exact("back to the question")
    child.send("f")
    child.expect_exact("End the interview?")
    child.send("y")
    child.expect_exact("of 100")
    child.send("q")
    child.expect_exact(LEAVE)
    out = ESCAPES.sub("", _rest(child))
    assert "Interview 1" in out
    assert "How the points come about" in out
    assert child.exitstatus == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)])
def test_the_terminal_is_left_as_it_was_found(terminal: Spawn, cli: Any, number: signal.Signals, code: int) -> None:
    cli("mock", "start", "--exercises", "softmax")
    child = terminal("mock")
    before = termios.ICANON | termios.ECHO
    child.expect_exact("softmax.py")
    assert _modes(child) != before
    child.kill(number)
    child.expect_exact(LEAVE)
    child.expect(pexpect.EOF)
    assert _modes(child) == before
    child.close()
    assert child.exitstatus == code
    assert "Traceback" not in child.before


def test_it_stops_and_goes_on(terminal: Spawn, cli: Any) -> None:
    cli("mock", "start", "--exercises", "softmax")
    child = terminal("mock", "--lang", "zh")
    child.expect_exact("softmax.py")
    child.send("\x1a")
    child.expect_exact(LEAVE)
    assert _modes(child) == termios.ICANON | termios.ECHO
    child.kill(signal.SIGCONT)
    child.expect_exact(ENTER)
    child.expect_exact("softmax.py")
    child.setwinsize(12, 40)
    child.expect_exact("\x1b[12;1H")
    child.send("q")
    assert "计时还在继续" in _rest(child)


def test_it_stays_plain_where_there_is_no_screen(terminal: Spawn, cli: Any) -> None:
    cli("mock", "start", "--exercises", "softmax")
    for environ in ({"TERM": "dumb"}, {}):
        child = terminal("mock", **environ) if environ else terminal("mock", size=(0, 0))
        out = _rest(child)
        assert "not started" in out
        assert ENTER not in out


def test_no_colour_where_none_is_wanted(terminal: Spawn, cli: Any) -> None:
    cli("mock", "start", "--exercises", "softmax", "--minutes", "4")
    child = terminal("mock", NO_COLOR="1")
    child.expect_exact("the last 5 minutes")
    child.expect_exact("leave")
    child.send("q")
    assert not re.search(r"\x1b\[[0-9;]*[1-9][0-9;]*m", child.before + _rest(child))


def test_an_editor_has_the_terminal_to_itself(terminal: Spawn, cli: Any, tmp_path: Path) -> None:
    cli("mock", "start", "--exercises", "softmax")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "x = 1" >> "$1"\necho EDITING\nread line\n')
    editor.chmod(0o755)
    child = terminal("mock", THINKLLM_EDITOR=str(editor))
    child.expect_exact("softmax.py")
    child.send("e")
    child.expect_exact(LEAVE)
    child.expect_exact("EDITING")
    assert _modes(child) == termios.ICANON | termios.ECHO
    child.sendline("")
    child.expect_exact(ENTER)
    child.expect_exact("saved ")
    child.send("q")
    _rest(child)


def test_start_opens_it_when_asked_to(terminal: Spawn) -> None:
    child = terminal("mock", "start", "--exercises", "softmax", "--view", "--minutes", "20")
    child.expect_exact("Seed:")
    child.expect_exact(ENTER)
    child.expect_exact("20 minutes")
    child.send("q")
    assert "brings the view back" in _rest(child)
