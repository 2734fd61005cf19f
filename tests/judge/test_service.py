"""The service as the command line meets it: started once, asked by many, killed in the middle, replaced when stale."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from thinkllm_drill.errors import ContentError, InternalError, ThinkLLMError
from thinkllm_drill.judge import client, daemon, requests
from thinkllm_drill.verdict import Check, CheckRequest, Verdict

CHECKOUT = Path(__file__).resolve().parents[2]
RIGHT = (CHECKOUT / "solutions/functions/softmax.py").read_bytes()
WRONG = b"import torch\ndef softmax(x, dim=-1): return torch.zeros_like(x)\nlog_softmax = softmax\n"
SLEEPY = b"import time\ntime.sleep(600)\n"
SLOW = b"import time\ntime.sleep(1)\n" + RIGHT

# the service that we start is our child and outlives its Popen
pytestmark = pytest.mark.filterwarnings("ignore:.*subprocess.*is still running")


class Told:
    """What was told while an attempt was graded."""

    def __init__(self) -> None:
        self.status: list[str] = []
        self.plan: list[Check] = []
        self.checks: list[Check] = []
        self.begun = threading.Event()

    def on_status(self, text: str) -> None:
        self.status.append(text)

    def on_plan(self, checks: list[Check]) -> None:
        self.plan = checks
        self.begun.set()

    def on_check(self, check: Check) -> None:
        self.checks.append(check)


def request(source: bytes, content: Path = CHECKOUT, **more: Any) -> CheckRequest:
    return CheckRequest("softmax", "soft max 中文.py", source, str(content), diagnose=False, **more)


def check(source: bytes, told: Told | None = None, *, service: bool = True, **more: Any) -> Verdict:
    return client.check(request(source, **more), told or Told(), service=service)


def gone(pid: int | None) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid or 0, os.WNOHANG)
    return not psutil.pid_exists(pid or 0)


@pytest.fixture(scope="module")
def service(world: Path, wait_until: Any) -> Iterator[daemon.ServiceStatus]:
    """A service that ten clients ask for at the same time."""
    found: list[int] = []

    def ask() -> None:
        found.extend(event["pid"] for event in client.ask({"type": "status"}, service=True))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THINKLLM_RUNTIME_DIR", str(world / "service"))
        patch.setattr(daemon, "WATCHED", ())  # somebody may be editing the code while its tests run
        assert not daemon.service_status().running
        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 10
        assert len(set(found)) == 1
        yield daemon.service_status()
        pid = daemon.service_status().pid
        daemon.stop_service()
        wait_until(lambda: pid is None or gone(pid))


def test_ten_clients_start_one_service(service: daemon.ServiceStatus) -> None:
    assert service.running
    assert service.pid is not None
    assert (service.resident_bytes or 0) > 50 << 20
    assert service.socket is not None
    assert service.socket.stat().st_mode & 0o777 == 0o600
    assert service.socket.parent.stat().st_mode & 0o777 == 0o700
    assert len(list(service.socket.parent.glob("*.sock"))) == 1


def test_the_key_knows_the_code_the_interpreter_and_the_way_of_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = tmp_path / "judge" / "wire.py"
    code.parent.mkdir()
    code.write_text("one", encoding="utf-8")
    monkeypatch.setattr(daemon, "PACKAGE", tmp_path)
    monkeypatch.setattr(daemon, "WATCHED", ("judge",))
    keys = [daemon.key(), daemon.key()]
    code.write_text("other", encoding="utf-8")
    keys.append(daemon.key())
    monkeypatch.setenv("THINKLLM_PROCESSES", "spawn")
    keys.append(daemon.key())
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert keys[0].split("-")[0] == keys[2].split("-")[0] != keys[3].split("-")[0]


def test_two_checks_at_once(service: daemon.ServiceStatus, wait_until: Any, family: Any) -> None:
    verdicts: dict[bytes, Verdict] = {}
    told = {source: Told() for source in (RIGHT, WRONG)}
    threads = [
        threading.Thread(target=lambda s=source: verdicts.update({s: check(s, told[s])})) for source in (RIGHT, WRONG)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts[RIGHT].status == "passed"
    assert verdicts[WRONG].status == "failed"
    assert verdicts[RIGHT].file == "soft max 中文.py"
    for source in (RIGHT, WRONG):
        assert [c.id for c in told[source].plan] == [c.id for c in told[source].checks]
        assert tuple(told[source].checks) == verdicts[source].checks
    wait_until(lambda: not family(service.pid))


def test_the_same_seed_is_the_same_verdict(service: daemon.ServiceStatus) -> None:
    first, second = (check(WRONG, seed="0123456789abcdef", lang="zh") for _ in range(2))
    assert first.seed == "0123456789abcdef"
    assert [c.cause for c in first.checks] == [c.cause for c in second.checks]
    assert any("中" <= letter <= "龥" for letter in first.checks[0].title)


def test_a_client_that_goes_away_ends_its_judge_and_its_runner(
    service: daemon.ServiceStatus, wait_until: Any, family: Any
) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(service.socket))
        connection.sendall(requests.dump(requests.check_request(request(SLEEPY))))
        wait_until(lambda: len(family(service.pid)) == 2)
    wait_until(lambda: not family(service.pid))
    assert daemon.service_status().pid == service.pid


def test_problems_are_told_and_not_retried(service: daemon.ServiceStatus, tmp_path: Path) -> None:
    told = Told()
    with pytest.raises(ThinkLLMError) as problem:
        client.check(CheckRequest("no-such-exercise", "a.py", b"", str(CHECKOUT)), told, service=True)
    assert problem.value.exit_code in (ContentError.exit_code, 2)
    assert problem.value.hint is not None
    with pytest.raises(InternalError, match="unknown request"):
        list(map(client.raise_problem, client.ask({"type": "dance"}, service=True)))
    with pytest.raises(InternalError):
        list(map(client.raise_problem, client.ask({"type": "check", "surprise": 1}, service=True)))
    assert not told.status
    assert daemon.service_status().pid == service.pid


def test_a_judge_that_is_killed_is_asked_once_more(service: daemon.ServiceStatus, wait_until: Any, family: Any) -> None:
    told, verdicts = Told(), []
    thread = threading.Thread(target=lambda: verdicts.append(check(SLOW, told)))
    thread.start()
    told.begun.wait(20)
    min(family(service.pid), key=lambda process: process.create_time()).kill()
    thread.join(30)
    assert verdicts[0].status == "passed"
    assert any("went away" in text for text in told.status)
    assert len({c.id for c in told.checks}) == len(told.checks)
    wait_until(lambda: not family(service.pid))


def test_an_example_is_run(service: daemon.ServiceStatus) -> None:
    assert client.run_example("softmax", ">>> 1 + 1\n2\n", CHECKOUT) == []
    (problem,) = client.run_example("softmax", ">>> 1 + 1\n3\n", CHECKOUT)
    assert "Expected" in problem


def test_a_stale_service_is_replaced_and_a_killed_one_too(
    service: daemon.ServiceStatus, monkeypatch: pytest.MonkeyPatch, wait_until: Any, family: Any, lives: Any
) -> None:
    """New code: a new service, and the old one ends once its last verdict is given. Then that one is killed."""
    verdicts: list[Verdict] = []
    busy = Told()
    thread = threading.Thread(target=lambda: verdicts.append(check(SLOW, busy)))
    thread.start()
    busy.begun.wait(20)
    monkeypatch.setattr(daemon, "__version__", "99")
    assert not daemon.service_status().running
    client.start_service_in_background("softmax", CHECKOUT, "en")
    thread.join(30)
    assert verdicts[0].status == "passed"
    wait_until(lambda: gone(service.pid))
    fresh = daemon.service_status()
    assert fresh.running
    assert fresh.pid != service.pid

    told = Told()
    thread = threading.Thread(target=lambda: verdicts.append(check(SLOW, told)))
    thread.start()
    told.begun.wait(20)
    left = family(fresh.pid)
    assert left
    os.kill(fresh.pid or 0, signal.SIGKILL)
    for process in left:
        wait_until(lambda p=process: not lives(p))
    thread.join(60)
    assert verdicts[1].status == "passed"
    assert any("went away" in text for text in told.status)
    last = daemon.service_status()
    assert last.running
    assert last.pid != fresh.pid
    assert daemon.stop_service()
    wait_until(lambda: gone(last.pid))
    assert not daemon.stop_service()
    assert not daemon.service_status().running


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """Softmax alone, to be edited."""
    shutil.copytree(CHECKOUT / "exercises/functions/softmax", tmp_path / "exercises/functions/softmax")
    for folder in ("solutions", "graders"):
        (tmp_path / folder / "functions").mkdir(parents=True)
        for file in (CHECKOUT / folder / "functions").glob("*softmax*"):
            shutil.copy(file, tmp_path / folder / "functions")
    return tmp_path


def test_without_a_service(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKLLM_RUNTIME_DIR", str(world / "none"))
    before, told = set(world.iterdir()), Told()
    assert check(RIGHT, told, service=False).status == "passed"
    assert told.status
    assert set(world.iterdir()) <= before


def test_a_service_that_spawns(
    world: Path, content: Path, monkeypatch: pytest.MonkeyPatch, wait_until: Any, family: Any
) -> None:
    """As on macOS: one request after the other, runners that are interpreters; graders are read anew each time."""
    monkeypatch.setenv("THINKLLM_RUNTIME_DIR", str(world / "spawn"))
    monkeypatch.setattr(daemon, "WATCHED", ())
    monkeypatch.setenv("THINKLLM_PROCESSES", "spawn")
    grader = content / "graders/functions/test_softmax.py"
    whole = grader.read_text(encoding="utf-8")
    grader.write_text("import torch\n", encoding="utf-8")
    assert check(RIGHT, content=content).status == "internal"
    status = daemon.service_status()
    grader.write_text(whole, encoding="utf-8")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(status.socket))
        connection.sendall(requests.dump(requests.check_request(request(SLEEPY, content=content))))
        assert b"softmax.values" in connection.recv(1 << 16)
        wait_until(lambda: len(family(status.pid)) == 2)
    assert daemon.service_status().pid == status.pid  # answers once it is free
    assert daemon.stop_service()
    wait_until(lambda: gone(status.pid))
    assert not list(world.glob(f"thinkllm-run-{status.pid}-*"))


def test_a_check_after_the_socket_was_removed_starts_another(
    world: Path, monkeypatch: pytest.MonkeyPatch, wait_until: Any
) -> None:
    monkeypatch.setenv("THINKLLM_RUNTIME_DIR", str(world / "rm"))
    assert check(RIGHT).passed
    first = daemon.service_status()
    assert first.socket is not None
    first.socket.unlink()
    assert check(RIGHT).passed
    second = daemon.service_status()
    assert second.pid != first.pid
    wait_until(lambda: gone(first.pid))
    monkeypatch.setenv("THINKLLM_HOME", str(world / "another home"))
    assert daemon.service_status().pid == second.pid
    assert daemon.stop_service()
    wait_until(lambda: gone(second.pid))


@pytest.mark.parametrize("what", ["lock", "log", "bind"])
def test_a_full_disk_costs_the_service_and_not_the_verdict(
    world: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setenv("THINKLLM_RUNTIME_DIR", str(world / "full"))
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fail(*_: Any, **__: Any) -> Any:
        raise full

    monkeypatch.setattr(daemon, {"lock": "_lock", "log": "log_file", "bind": "_retire_others"}[what], fail)
    assert check(RIGHT).passed
    assert not daemon.service_status().running


def test_kernels_have_a_service_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "missing", lambda names: [])
    asked = {"slug": "triton-softmax", "content": str(CHECKOUT)}
    assert client._about_kernels(asked)
    assert not client._about_kernels({**asked, "slug": "softmax"})
    assert not client._about_kernels({**asked, "slug": "no-such"})
    assert not client._about_kernels({"type": "status"})
    assert daemon._environment(kernels=True)["TRITON_INTERPRET"] == "1"
    assert daemon._socket(kernels=True) != daemon._socket(kernels=False)
    monkeypatch.setattr(client, "missing", list)
    assert not client._about_kernels(asked)
