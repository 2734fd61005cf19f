"""Keys, and the terminal they come from."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.cli.keys import Decoder, Keys, open_keys

posix = pytest.mark.skipif(sys.platform == "win32", reason="Unix terminals")


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"hq", ["h", "q"]),
        (b"\r", ["enter"]),
        (b"\n\t\x7f", ["enter", "tab", "backspace"]),
        (b"\x03\x04", ["ctrl-c", "ctrl-d"]),
        (b"\x1b[A\x1b[B\x1bOC\x1b[D", ["up", "down", "right", "left"]),
        (b"\x1b[3~\x1b[5~\x1b[H", ["delete", "pageup", "home"]),
        (b"\x1b[1;5Cx", ["right", "x"]),
        (b"\x1b[24~q", ["q"]),
        (b"\x1bq", ["esc", "q"]),
        ("中ｑ".encode(), ["中", "q"]),
        (b"\xff", ["\ufffd"]),
    ],
)
def test_what_a_terminal_sends_is_keys(typed: bytes, keys: list[str]) -> None:
    assert Decoder().feed(typed) == keys
    piecewise = Decoder()
    assert [key for byte in typed for key in piecewise.feed(bytes([byte]))] == keys


def test_an_escape_is_a_key_when_nothing_follows() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.unfinished
    assert decoder.flush() == ["esc"]
    assert not decoder.unfinished


def test_without_a_terminal_there_are_no_keys_but_waiting_can_be_ended(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+") as file, open_keys(file) as keys:
        assert type(keys) is Keys
        assert keys.read(0.0) is None
        threading.Timer(0.01, keys.wake).start()
        assert keys.read(30.0) is None


@pytest.fixture
def terminal() -> Iterator[tuple[int, Any]]:
    """The far end of a terminal, and the stream of the near end."""
    import pty

    far, near = pty.openpty()
    with os.fdopen(near, "r") as stream:
        yield far, stream
    os.close(far)


def modes(stream: Any) -> list[Any]:
    import termios

    return list(termios.tcgetattr(stream.fileno()))


@posix
def test_keys_come_without_enter_and_the_terminal_is_left_as_it_was(terminal: tuple[int, Any]) -> None:
    far, stream = terminal
    found = modes(stream)
    with open_keys(stream) as keys:
        assert modes(stream) != found
        os.write(far, b"h\x1b[A")
        assert [keys.read(5.0), keys.read(5.0), keys.read(0.0)] == ["h", "up", None]
        os.write(far, b"\x1b")
        assert keys.read(5.0) == "esc"
        with keys.released():
            assert modes(stream) == found
        assert modes(stream) != found
    assert modes(stream) == found


@posix
def test_a_waiting_read_can_be_woken(terminal: tuple[int, Any]) -> None:
    with open_keys(terminal[1]) as keys:
        threading.Timer(0.01, keys.wake).start()
        assert keys.read(30.0) is None
    keys.wake()


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_deadly_signal_leaves_the_terminal_as_it_was(terminal: tuple[int, Any], name: str) -> None:
    stream, number = terminal[1], getattr(signal, name)
    found, handler = modes(stream), signal.getsignal(number)

    def be_ended() -> None:
        with open_keys(stream) as keys:
            os.kill(os.getpid(), number)
            keys.read(5.0)

    with pytest.raises(SystemExit) as ended:
        be_ended()
    assert ended.value.code == 128 + number
    assert modes(stream) == found
    assert signal.getsignal(number) == handler


@posix
@pytest.mark.parametrize(("name", "key"), [("SIGWINCH", "resize"), ("SIGCONT", "resume"), ("SIGINT", "ctrl-c")])
def test_signals_that_are_told_as_keys(terminal: tuple[int, Any], name: str, key: str) -> None:
    with open_keys(terminal[1]) as keys:
        sender: Callable[[], None] = lambda: os.kill(os.getpid(), getattr(signal, name))  # noqa: E731
        threading.Timer(0.02, sender).start()
        assert keys.read(30.0) == key


@posix
def test_a_terminal_that_goes_away_is_the_end(terminal: tuple[int, Any]) -> None:
    import pty

    far, near = pty.openpty()
    with os.fdopen(near, "r") as stream, open_keys(stream) as keys:
        os.close(far)
        assert keys.read(5.0) == "ctrl-d"
        assert keys.read(5.0) == "ctrl-d"
