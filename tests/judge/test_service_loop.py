"""The event loop of the service, without torch: who it answers, when it ends, what it withstands."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.judge import service
from thinkllm_drill.judge.launch import sweep_scratch

CHECKOUT = Path(__file__).resolve().parents[2]
LOOP = """
import socket, sys
from thinkllm_drill.judge.service import Zygote
Zygote(socket.socket(fileno=int(sys.argv[1])), idle_seconds=float(sys.argv[2])).run()
"""
SPAWNING = """
import socket, sys
from thinkllm_drill.judge import one_by_one as service
class Nothing:
    def __init__(self, *_, **__): pass
    def close(self): print("closed", flush=True)
service.SpawnLauncher = Nothing
service.serve_spawning(socket.socket(fileno=int(sys.argv[1])), None, float(sys.argv[2]))
"""
ANYTHING_BUT_A_REQUEST = [
    b"\n",
    b"garbage\n",
    b"[]\n",
    b"3\n",
    b"null\n",
    b'"check"\n',
    b"\xff\xfe\n",
    b"{\n",
    b"[" * 100_000 + b"\n",
    b"",
    b'{"type": "sta',
    b"x" * 100_000,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
]


@dataclass
class Loop:
    """A running event loop and its socket."""

    path: Path
    process: subprocess.Popen[bytes]

    def send(self, data: bytes, *, read: bool = True) -> bytes:
        """What it answers to these bytes; all of it, until it closes."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.path))
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while read and (piece := connection.recv(4096)):
                answer += piece
            return answer

    def ask(self, what: str) -> Any:
        """The event that answers a request."""
        return json.loads(self.send(json.dumps({"type": what}).encode() + b"\n"))


def started(folder: Path, idle: float, program: str = LOOP) -> Loop:
    path = folder / "s.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(listener.fileno()), str(idle)],
            pass_fds=(listener.fileno(),),
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            stdout=subprocess.PIPE,
        )
    return Loop(path, process)


@pytest.fixture
def start(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    loops: list[Loop] = []

    def begin(idle: float = 60.0, program: str = LOOP) -> Loop:
        folder = world / f"loop{time.monotonic_ns()}"
        folder.mkdir()
        loops.append(started(folder, idle, program))
        return loops[-1]

    yield begin
    for loop in loops:
        loop.process.kill()
        loop.process.communicate()


@pytest.mark.parametrize("program", [LOOP, SPAWNING], ids=["forking", "spawning"])
def test_it_answers_who_it_is_and_stops_when_asked(start: Any, program: str) -> None:
    loop = start(program=program)
    status = loop.ask("status")
    assert (status["event"], status["pid"]) == ("status", loop.process.pid)
    assert abs(status["started"] - time.time()) < 60
    assert loop.ask("stop")["event"] == "status"
    assert loop.process.wait(5) == 0


@pytest.mark.parametrize("program", [LOOP, SPAWNING], ids=["forking", "spawning"])
def test_no_request_is_answered_by_silence_and_does_no_harm(start: Any, program: str) -> None:
    loop = start(program=program)
    for data in ANYTHING_BUT_A_REQUEST:
        assert loop.send(data) == b"", data[:30]
        loop.send(data, read=False)
    assert loop.ask("status")["pid"] == loop.process.pid


@pytest.mark.parametrize("program", [LOOP, SPAWNING], ids=["forking", "spawning"])
def test_it_ends_when_idle(start: Any, program: str) -> None:
    assert start(idle=0.1, program=program).process.wait(10) == 0


def test_a_silent_connection_does_not_keep_it(start: Any) -> None:
    loop = start(idle=0.3)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(loop.path))
        assert loop.process.wait(10) == 0


def test_a_request_in_pieces_is_a_request(start: Any) -> None:
    loop = start()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(loop.path))
        for piece in (b'{"type": ', b'"stat', b'us"}'):
            connection.sendall(piece)
            assert loop.ask("status")["pid"] == loop.process.pid
        connection.sendall(b"\n")
        assert json.loads(connection.recv(4096))["pid"] == loop.process.pid


def test_many_at_once_are_answered(start: Any) -> None:
    loop, found = start(), []
    threads = [threading.Thread(target=lambda: found.append(loop.ask("status")["pid"])) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [loop.process.pid] * 20


@pytest.mark.parametrize("program", [LOOP, SPAWNING], ids=["forking", "spawning"])
def test_retiring_and_termination_end_it_in_order(start: Any, program: str) -> None:
    loop = start(program=program)
    assert loop.ask("retire")["event"] == "status"
    assert loop.process.wait(5) == 0
    loop = start(program=program)
    loop.ask("status")
    loop.process.send_signal(signal.SIGTERM)
    output, _ = loop.process.communicate(timeout=5)
    assert loop.process.returncode == 0
    assert output == (b"closed\n" if program is SPAWNING else b"")


def test_the_end_of_the_loop_is_the_end_of_its_children(start: Any, wait_until: Any, family: Any, lives: Any) -> None:
    loop = start()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(loop.path))
        connection.sendall(b'{"type": "check"}\n')
        children = wait_until(lambda: family(loop.process.pid))
        loop.process.kill()
        loop.process.wait()
        for child in children:
            wait_until(lambda child=child: not lives(child))
    sweep_scratch()  # as the next service does


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_one_whose_socket_is_gone_ends(start: Any, replaced: bool) -> None:
    """Nobody can find it any more; another service may listen at its place."""
    loop = start()
    assert loop.ask("status")["event"] == "status"
    loop.path.unlink()
    if replaced:
        loop.path.touch()
    assert loop.process.wait(10) == 0


def test_the_clock_on_the_wall_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A laptop that was suspended for a day, or whose clock was set, finds its service as it was."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        zygote = service.Zygote(listener, idle_seconds=60)
        now = time.time()
        for then in (now + 86400, now - 86400):
            monkeypatch.setattr(time, "time", lambda then=then: then)
            assert not zygote._finished()


def test_a_long_log_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    program = "import os, sys\nfrom thinkllm_drill.judge.service import cut_log\n"
    program += "os.write(2, b'x' * 2000); cut_log(1000); os.write(2, b'the end')"
    with log.open("ab") as output:
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
        subprocess.run([sys.executable, "-c", program], stderr=output, check=True, env=environment)
    assert log.read_bytes() == b"the end"
