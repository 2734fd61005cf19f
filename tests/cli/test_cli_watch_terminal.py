"""`thinkllm watch` in a real terminal."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.progress.store import Store

pexpect = pytest.importorskip("pexpect")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Unix terminals")]

PROGRAM = Path(__file__).with_name("fake_judge.py")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
Spawn = Callable[..., Any]


@pytest.fixture
def watch(python_env: dict[str, str], cli: Any, solve: Any) -> Iterator[Spawn]:
    """Starts a watch of gqa in a terminal of 24 lines below a shell that tells the modes of the terminal."""
    cli("drill", "gqa")
    solve("gqa")
    children = []

    def spawn(scenario: str, *args: str, **environ: str) -> Any:
        env = {key: value for key, value in python_env.items() if key not in ("COLUMNS", "LINES")} | environ
        command = f"{sys.executable} {PROGRAM} {scenario} watch {' '.join(args)}"
        script = f"trap : INT; stty -a; {command}; echo code $?; stty -a"
        child = pexpect.spawn("sh", ["-c", script], env=env, encoding="utf-8", timeout=20, dimensions=(24, 80))
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def finished(child: Any) -> str:
    """What was written until the end; the terminal must be as it was."""
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before).replace("\r\n", "\n")


def modes(text: str) -> set[str]:
    return set(re.findall(r"-?\b(?:icanon|echo|isig|icrnl)\b", text))


@pytest.mark.parametrize("environ", [{}, {"TERM": "dumb"}, {"NO_COLOR": "1", "LC_ALL": "C"}])
def test_a_verdict_a_hint_and_out(watch: Spawn, home: Path, environ: dict[str, str]) -> None:
    child = watch("wrong", **environ)
    child.expect("Smallest failing case")
    before = modes(child.before)
    assert before
    child.send("h")
    child.expect("one\\s+key/value head serve")
    path = home / "attempts/attention/gqa.py"
    path.write_text(path.read_text() + "\n")
    child.expect("still failing: values")
    child.send("q")
    child.expect("code 0")
    assert modes(finished(child)) == before
    with Store.open(home / "progress.db") as store:
        assert [event.kind for event in store.events("gqa")] == ["drill", "check", "hint", "check"]


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_an_interrupt_is_an_end_like_any_other(watch: Spawn, key: str) -> None:
    child = watch("pass:0.5")
    child.expect("title of|starting torch|watch|attention")
    child.expect("s[^ ]* [^ ]*statement")
    child.send(key)
    child.expect("code 0")
    out = ESCAPES.sub("", finished(child))
    assert "Traceback" not in out
    assert "icanon" in modes(out)


def test_a_newer_save_takes_the_place_of_a_check_that_runs(watch: Spawn, home: Path) -> None:
    child = watch("pass:0.3")
    child.expect("starting torch")
    path = home / "attempts/attention/gqa.py"
    path.write_text(path.read_text() + "\n")
    child.expect("starting torch")
    child.expect("4 checks")
    child.send("q")
    child.expect("code 0")
    finished(child)
    with Store.open(home / "progress.db") as store:
        assert [event.kind for event in store.events("gqa")] == ["drill", "check"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_watch_that_is_ended_leaves_the_terminal_as_it_was(watch: Spawn, name: str) -> None:
    import psutil

    child = watch("wrong")
    child.expect("Smallest failing case")
    number = getattr(signal, name)
    for process in psutil.Process(child.pid).children():
        process.send_signal(number)
    child.expect(f"code {128 + number}")
    assert "icanon" in modes(finished(child))


def test_the_screen_is_drawn_again_for_another_size(watch: Spawn) -> None:
    child = watch("wrong")
    child.expect("next exercise.*quit")
    child.setwinsize(30, 60)
    child.expect("Smallest failing case")
    child.expect("quit")
    child.send("q")
    child.expect("code 0")


def test_without_a_terminal_to_read_from_it_goes_on_until_it_is_interrupted(watch: Spawn) -> None:
    child = watch("wrong", "</dev/null")
    child.expect("Ctrl-C ends")
    child.expect("Smallest failing case")
    child.sendintr()
    child.expect("code 0")
