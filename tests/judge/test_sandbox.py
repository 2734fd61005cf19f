"""What an attempt cannot do where the kernel has Landlock and seccomp, and what it still can."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.judge import landlock, sandbox
from thinkllm_drill.judge.launch import Launcher
from thinkllm_drill.judge.limits import Limits

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE = """
import os, socket, subprocess, tempfile, threading
import torch

def read(path): return open(path).read(20)
def names(path): return len(os.listdir(path))
def write(path): open(path, "w").write("x")
def connect(): socket.socket()
def fork(): os.fork()
def run(): subprocess.run(["true"])
def signal_parent(): os.kill(os.getppid(), 0)
def parent(name): return open(f"/proc/{os.getppid()}/{name}", "rb").read(1)
def reference(): import thinkllm_drill.author; from thinkllm_drill._content.solutions.functions import softmax

def scratch():
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("kept")
        file.seek(0)
        return file.read()

def threads():
    torch.set_num_threads(2)
    done = []
    thread = threading.Thread(target=lambda: done.append((torch.ones(300, 300) @ torch.ones(300, 300)).sum().item()))
    thread.start()
    thread.join()
    return done

def late_import():
    import decimal, sympy.core.numbers
    return str(decimal.Decimal(1))

def own_memory(): return "MemTotal" in open("/proc/meminfo").read() and len(open("/proc/self/maps").read(100)) > 0
def null(): open(os.devnull, "w").write("x")
"""

pytestmark = pytest.mark.skipif(sandbox.walls() != (True, True), reason="the kernel has no Landlock or no seccomp")


@pytest.fixture(scope="module")
def confined(launcher: Launcher) -> Any:
    from thinkllm_drill.judge.proxy import Attempt

    attempt = Attempt(launcher, SOURCE.encode(), "attempt.py", limits=Limits(call_seconds=30))
    yield attempt
    attempt.close()


def test_it_reads_neither_the_references_nor_what_is_the_users(confined: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for path in (CHECKOUT / "solutions/functions/softmax.py", CHECKOUT / "README.md", secret):
        denied = confined.outcome(lambda path=path: confined.read(str(path)))
        assert denied.type_name == "PermissionError", path
    assert confined.outcome(lambda: confined.names(str(Path.home()))).type_name == "PermissionError"
    assert confined.outcome(confined.reference).type_name in ("ImportError", "ModuleNotFoundError", "PermissionError")


def test_it_writes_to_its_scratch_folder_alone(confined: Any, tmp_path: Path) -> None:
    assert confined.outcome(lambda: confined.write(str(tmp_path / "out.txt"))).type_name == "PermissionError"
    assert not (tmp_path / "out.txt").exists()
    assert confined.scratch() == "kept"
    confined.null()


@pytest.mark.parametrize("name", ["connect", "fork", "run", "signal_parent"])
def test_it_starts_nothing_and_reaches_nobody(confined: Any, name: str) -> None:
    assert confined.outcome(getattr(confined, name)).type_name == "PermissionError"


@pytest.mark.parametrize("name", ["mem", "environ", "maps"])
def test_it_sees_nothing_of_its_parent(confined: Any, name: str) -> None:
    assert confined.outcome(lambda: confined.parent(name)).type_name == "PermissionError"


def test_honest_work_goes_on(confined: Any) -> None:
    assert confined.threads() == [300.0**3]
    assert confined.late_import() == "1"
    assert confined.own_memory() is True


def test_without_leaves_out_the_hidden_and_every_link_to_it(tmp_path: Path) -> None:
    hidden = tmp_path / "lib/python/site-packages/ours"
    hidden.mkdir(parents=True)
    (tmp_path / "lib/python/site-packages/torch").mkdir()
    (tmp_path / "lib64").symlink_to("lib")
    allowed = set(landlock.without(tmp_path, {hidden}))
    assert allowed == {tmp_path / "lib/python/site-packages/torch"}
    assert set(landlock.without(tmp_path / "lib/python", set())) == {tmp_path / "lib/python"}


def test_the_switch_opens_the_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKLLM_SANDBOX", "off")
    assert sandbox.walls() == (False, False)
    assert os.environ["THINKLLM_SANDBOX"] == "off"
