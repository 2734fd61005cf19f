"""Whatever an attempt does to its process costs that process alone, and is told for what it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from thinkllm_drill.judge import framing
from thinkllm_drill.judge.failures import (
    AttemptDied,
    AttemptRaised,
    AttemptTimeout,
    GradeFailure,
    LimitExceeded,
    NotStarted,
)
from thinkllm_drill.judge.launch import Launcher
from thinkllm_drill.judge.limits import Limits
from thinkllm_drill.judge.wire import Encoder

SOURCE = '''
import ctypes, os, signal, socket, subprocess, sys, threading, time
import torch

def fine():
    return "fine"

def spin():
    while True:
        pass

def sleep():
    time.sleep(1e6)

def multiply():
    x = torch.ones(20000, 20000)
    while True:
        x @ x

def deaf():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass

def exit_0():
    os._exit(0)

def exit_3():
    os._exit(3)

def sys_exit():
    sys.exit("bye")

def segfault():
    ctypes.string_at(0)

def abort():
    os.abort()

def terminate():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)

def memory():
    return [bytearray(1 << 28) for _ in range(100)]

def allocation():
    return torch.empty(100 << 30, dtype=torch.uint8)

def recurse(n=0):
    return recurse(n + 1)

def recurse_in_c():
    sys.setrecursionlimit(10**9)
    class A:
        def __repr__(self):
            return repr([self])
    return repr(A())

def lines(n):
    for k in range(n):
        print("line", k)
    return n

def half_a_line():
    sys.stdout.write("no end")
    sys.stderr.write("of line")

def connection():
    found = []
    for n in range(3, 64):
        try:
            found.append(socket.socket(fileno=os.dup(n)))
        except OSError:
            pass
    return found

def write(data):
    for sock in connection():
        sock.sendall(data)
    return "done"

def close_everything():
    os.closerange(0, 200)

def child(own_session):
    process = subprocess.Popen(["sleep", "600"], start_new_session=own_session)
    return process.pid

def orphan():
    """Forks twice and leaves a grandchild in a session of its own, which keeps every descriptor open."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            time.sleep(600)
            os._exit(0)
        os.write(write, str(pid).encode())
        os._exit(0)
    return int(os.read(read, 20))

def pid():
    return os.getpid()

def where():
    return os.getcwd(), sorted(os.environ), os.listdir(".")

def fill(megabytes):
    with open("big", "wb") as file:
        for _ in range(megabytes):
            file.write(bytes(1 << 20))

class Rude(Exception):
    def __str__(self):
        raise RuntimeError("no")

class Own(ValueError):
    pass

def rude():
    raise Rude

def own():
    raise Own("mine")

def long():
    raise ValueError("x" * 100_000)

def blank():
    raise NotImplementedError("blank 2: the mask")

def not_a_blank():
    raise NotImplementedError("later")

def interrupt():
    raise KeyboardInterrupt

def huge_answer():
    return "x" * (65 << 20)

def deep_answer():
    found = []
    for _ in range(200):
        found = [found]
    return found

def patched():
    import json, safetensors.torch
    safetensors.torch.save = lambda *_: b"nonsense"
    json.dumps = lambda *_, **__: 1 / 0
    return torch.ones(1)
'''


@pytest.fixture
def attempt(make: Callable[..., Any]) -> Any:
    return make(SOURCE, seconds=5)


def gone(pid: int) -> bool:
    """Whether a process has ended; nobody need have collected it."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def failing(call: Callable[[], Any]) -> GradeFailure:
    with pytest.raises(GradeFailure) as failure:
        call()
    return failure.value


@pytest.mark.parametrize("name", ["spin", "sleep", "multiply", "deaf"])
def test_an_endless_call_is_stopped(make: Any, name: str) -> None:
    attempt = make(SOURCE, seconds=0.5)
    pid = attempt.pid()
    start = time.monotonic()
    assert type(failing(getattr(attempt, name))) is AttemptTimeout
    assert time.monotonic() - start < 5
    assert gone(pid)
    assert attempt.fine() == "fine"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exit_0", "exit code 0"),
        ("exit_3", "exit code 3"),
        ("segfault", "SIGSEGV"),
        ("abort", "SIGABRT"),
        ("terminate", "SIGTERM"),
        ("recurse_in_c", "SIGSEGV"),
        ("close_everything", ""),
        ("patched", ""),
    ],
)
def test_a_process_that_ends_is_told(attempt: Any, name: str, words: str) -> None:
    before = attempt.pid()
    failure = failing(getattr(attempt, name))
    assert isinstance(failure, AttemptDied | AttemptRaised)
    assert words in failure.cause.message
    assert attempt.fine() == "fine"
    assert attempt.pid() != before


@pytest.mark.parametrize("name", ["memory", "allocation"])
def test_too_much_memory_is_a_limit(attempt: Any, name: str) -> None:
    failure = failing(getattr(attempt, name))
    assert type(failure) is LimitExceeded
    assert "2 GB" in failure.cause.message
    assert failure.cause.frames[-1].function in (name, f"{name}.<listcomp>", f"{name}.<locals>.<listcomp>")
    assert attempt.fine() == "fine"


def test_exceptions_of_every_kind_are_data(attempt: Any) -> None:
    pid = attempt.pid()
    assert failing(attempt.sys_exit).cause.message == "SystemExit: bye"
    assert failing(attempt.interrupt).cause.message == "KeyboardInterrupt"
    assert "whose text cannot be made" in failing(attempt.rude).cause.message
    own = failing(attempt.own)
    assert isinstance(own, AttemptRaised)
    assert (own.type_name, own.bases[1]) == ("Own", "ValueError")
    assert len(failing(attempt.long).cause.message) < 5000
    recursion = failing(attempt.recurse)
    assert recursion.cause.message.startswith("RecursionError")
    assert len(recursion.cause.frames) == 12
    assert attempt.pid() == pid


def test_an_empty_blank_is_not_started(attempt: Any) -> None:
    failure = failing(attempt.blank)
    assert type(failure) is NotStarted
    assert "blank 2: the mask" in failure.cause.message
    assert failure.cause.frames[-1].function == "blank"
    assert isinstance(failing(attempt.not_a_blank), AttemptRaised)


def test_answers_that_are_too_large_or_too_deep(attempt: Any) -> None:
    for call in (attempt.deep_answer, attempt.huge_answer):
        assert failing(call).status == "contract"
    assert attempt.fine() == "fine"


def test_what_is_printed_is_kept_within_bounds(make: Any) -> None:
    attempt = make(SOURCE)
    assert attempt.lines(3) == 3
    assert attempt.printed == "line 0\nline 1\nline 2\n"
    attempt.half_a_line()
    assert "no end" in attempt.printed
    assert "of line" in attempt.printed
    assert type(failing(lambda: attempt.lines(1_000_000))) is LimitExceeded
    assert len(attempt.printed) < 100_000
    assert "bytes …" in attempt.printed


@pytest.mark.parametrize(
    "data",
    [
        b"garbage, and a lot of it: " * 10,
        b"TLD1" + bytes(12),
        b"TLD1\0\0\0\5\0\0\0\0\0\0\0\0[[[[[",
        b"TLD1\0\0\0\2\0\0\0\0\0\0\0\0{}",
        b"TLD1\0\0\0\2\0\0\0\0\0\0\0\0[]",
        b"TLD1\0\0\0\4\0\0\0\0\0\0\0\0null",
    ],
    ids=["text", "empty", "no-json", "no-kind", "list", "null"],
)
def test_bytes_on_the_connection_are_no_answer(attempt: Any, data: bytes) -> None:
    assert type(failing(lambda: attempt.write(data))) is AttemptDied
    assert attempt.fine() == "fine"


@pytest.mark.parametrize(
    "reply",
    [
        {"ok": 1, "kwargs": 3, "args": []},
        {"ok": 1, "kwargs": {}},
        {"raised": {}},
        {"raised": 5},
        {"raised": {"type": "E", "message": "m", "bases": 3, "frames": [], "shapes": {}}},
        {"raised": {"type": "E", "message": "m", "bases": [], "frames": [{"line": "x"}], "shapes": {}}},
        {"ok": 1, "forbidden": 7},
        {"ok": 1, "launches": "many"},
        {"callback": 99, "args": 3, "kwargs": None},
        {"forbidden": []},
    ],
    ids=repr,
)
def test_forged_replies_are_never_the_judges_fault(attempt: Any, reply: Any) -> None:
    failure = failing(lambda: attempt.write(framing.pack(*Encoder().encode(reply))))
    assert failure.status in ("error", "rule", "contract")
    assert attempt.fine() == "fine"


def test_an_answer_that_was_not_asked_for_is_no_answer_to_the_next_question(attempt: Any) -> None:
    for number in (None, *range(1, 12)):  # it may guess the number of the question, but still answers it twice
        forged = framing.pack(*Encoder().encode({"ok": "forged", "number": number}))
        assert type(failing(lambda data=forged: (attempt.write(data), attempt.fine()))) is AttemptDied
        assert attempt.fine() == "fine"


def test_an_unsound_answer_to_each_request_is_an_error(make: Any) -> None:
    source = SOURCE + "\nwrite(REPLY)\n"
    forged = framing.pack(*Encoder().encode({"ok": 5}))
    attempt = make(source.replace("REPLY", repr(forged)))
    assert type(failing(attempt.load)) is AttemptDied


@pytest.mark.parametrize("how", ["child", "session", "orphan"])
def test_nothing_that_it_started_survives(make: Any, how: str, wait_until: Any) -> None:
    attempt = make(SOURCE)
    pid = attempt.orphan() if how == "orphan" else attempt.child(how == "session")
    assert not gone(pid)
    attempt.close()
    wait_until(lambda: gone(pid))


def test_its_world_is_an_empty_folder_that_goes_with_it(make: Any) -> None:
    attempt = make(SOURCE)
    folder, names, files = attempt.where()
    assert files == []
    assert not {"THINKLLM_HOME", "THINKLLM_RUNTIME_DIR", "PYTHONPATH"} & set(names)
    assert failing(lambda: attempt.fill(100)).status in ("error", "limit")
    attempt.close()
    assert not Path(folder).exists()


def test_two_attempts_at_once_do_not_meet(make: Any) -> None:
    one, two = make("x = 1\ndef get(): return x"), make("x = 2\ndef get(): return x")
    assert (one.get(), two.get()) == (1, 2)
    one.close()
    assert two.get() == 2
    assert one.get() == 1


def test_the_deadline_of_the_verdict_holds_for_every_call(make: Any) -> None:
    attempt = make(SOURCE, deadline=time.monotonic() + 1.0)
    assert attempt.fine() == "fine"
    assert type(failing(attempt.sleep)) is AttemptTimeout
    assert type(failing(lambda: attempt.fine())) is AttemptTimeout


def test_whoever_waits_can_stop_waiting(make: Any) -> None:
    class Gone(Exception):
        pass

    calls = []

    def interrupted() -> None:
        calls.append(1)
        if len(calls) > 3:
            raise Gone

    attempt = make(SOURCE, interrupted=interrupted)
    with pytest.raises(Gone):
        attempt.sleep()


def test_random_state_is_not_the_judges(make: Any) -> None:
    torch.manual_seed(0)
    attempt, other = (make("import torch\ndef draw(): return torch.rand(4)") for _ in range(2))
    assert not torch.equal(attempt.draw(), torch.rand(4))
    assert not torch.equal(attempt.draw(), other.draw())


def test_faults_of_spawned_runners(launcher: Launcher, make: Any, wait_until: Any) -> None:
    """The worst of it once more where there is no service that forks."""
    attempt = make(SOURCE, launcher=launcher, limits=Limits(call_seconds=20))
    child = attempt.child(True)
    failure = failing(attempt.segfault)
    assert "SIGSEGV" in failure.cause.message
    wait_until(lambda: gone(child))
    assert failing(attempt.allocation).status == "limit"
    attempt.half_a_line()
    assert "no end" in attempt.printed
    child = attempt.child(True)
    attempt.close()
    wait_until(lambda: gone(child))
