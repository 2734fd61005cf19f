"""Whatever an attempt does to its process costs that process alone, and is told for what it was."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from thinkllm_drill.judge import launch
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

SOURCE = Path(__file__).with_name("faulty.py").read_text(encoding="utf-8")


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
    attempt = make(SOURCE, seconds=0.3)
    pid = attempt.pid()
    start = time.monotonic()
    assert type(failing(getattr(attempt, name))) is AttemptTimeout
    assert time.monotonic() - start < 20
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
    assert failure.cause.frames[-1].function == name
    assert attempt.fine() == "fine"


def test_memory_is_watched_where_the_system_does_not_limit_it(
    make: Any, fork_launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_launcher, "polls_memory", True)
    attempt = make(SOURCE, limits=Limits(call_seconds=30, memory_bytes=100 << 20))
    assert attempt.fine() == "fine"
    assert type(failing(lambda: attempt.touch(200))) is LimitExceeded
    assert attempt.fine() == "fine"


def test_nobody_answers_its_questions(attempt: Any) -> None:
    assert failing(attempt.ask).cause.message.startswith("EOFError")
    assert attempt.stop_here() is None


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


# an orphan is found by a process that adopts it: the service, not this one with its spawned runners
@pytest.mark.parametrize(
    ("open_launcher", "how"),
    [("fork", "child"), ("fork", "session"), ("fork", "orphan"), ("spawn", "child"), ("spawn", "session")],
    indirect=["open_launcher"],
)
def test_nothing_that_it_started_survives(open_launcher: Launcher, make: Any, how: str, wait_until: Any) -> None:
    attempt = make(SOURCE, launcher=open_launcher, limits=Limits(call_seconds=20))
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
    attempt = make(SOURCE, deadline=time.monotonic() + 0.5)
    assert attempt.fine() == "fine"
    assert type(failing(attempt.sleep)) is AttemptTimeout
    assert type(failing(lambda: attempt.fine())) is AttemptTimeout


def test_whoever_waits_can_stop_waiting(make: Any) -> None:
    class Gone(Exception):
        pass

    calls = []

    def interrupted() -> None:
        calls.append(1)
        if len(calls) > 1:
            raise Gone

    attempt = make(SOURCE, interrupted=interrupted)
    with pytest.raises(Gone):
        attempt.sleep()


def test_random_state_is_not_the_judges(make: Any) -> None:
    torch.manual_seed(0)
    attempt, other = (make("import torch\ndef draw(): return torch.rand(4)") for _ in range(2))
    assert not torch.equal(attempt.draw(), torch.rand(4))
    assert not torch.equal(attempt.draw(), other.draw())


@pytest.mark.parametrize("open_launcher", ["spawn"], indirect=True)
def test_faults_of_spawned_runners(open_launcher: Launcher, make: Any, wait_until: Any) -> None:
    """The worst of it once more where there is no service that forks."""
    attempt = make(SOURCE, launcher=open_launcher, limits=Limits(call_seconds=20))
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


@pytest.mark.parametrize("open_launcher", ["spawn"], indirect=True)
def test_a_runner_that_dies_as_we_look_leaves_nobody(
    open_launcher: Launcher, make: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not known to have ended yet, and its children are no longer its own."""
    attempt = make(SOURCE, launcher=open_launcher, limits=Limits(call_seconds=20))
    child = attempt.child(True)
    monkeypatch.setattr(subprocess.Popen, "poll", lambda process: None)
    monkeypatch.setattr(launch, "_descendants", lambda process: [])
    assert "SIGSEGV" in failing(attempt.segfault).cause.message
    wait_until(lambda: gone(child))
