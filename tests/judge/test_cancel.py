"""A check that its client calls off ends, with its judge."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.judge import client, daemon
from thinkllm_drill.verdict import Check, CheckRequest

CHECKOUT = Path(__file__).resolve().parents[2]
SLEEPY = CheckRequest("softmax", "softmax.py", b"import time\ntime.sleep(600)\n", str(CHECKOUT), diagnose=False)

pytestmark = pytest.mark.filterwarnings("ignore:.*subprocess.*is still running")


class Told:
    """Knows when the checks were planned."""

    def __init__(self) -> None:
        self.planned = threading.Event()

    def on_status(self, text: str) -> None:
        pass

    def on_plan(self, checks: list[Check]) -> None:
        self.planned.set()

    def on_check(self, check: Check) -> None:
        pass


@pytest.fixture(scope="module")
def service(world: Path) -> Iterator[int]:
    """The process id of a service."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THINKLLM_RUNTIME_DIR", str(world / "cancel"))
        patch.setattr(daemon, "WATCHED", ())
        (world / "cancel").mkdir(mode=0o700)
        yield next(iter(client.ask({"type": "status"}, service=True)))["pid"]
        daemon.stop_service()


def test_a_check_is_called_off_from_another_thread(service: int, wait_until: Callable[..., Any], family: Any) -> None:
    told, cancel, ended = Told(), client.Cancel(), []

    def grade() -> None:
        try:
            client.check(SLEEPY, told, service=True, cancel=cancel)
        except client.Cancelled:
            ended.append(True)

    thread = threading.Thread(target=grade)
    thread.start()
    assert told.planned.wait(60)
    cancel()
    thread.join(10)
    assert ended == [True]
    wait_until(lambda: not family(service))


def test_what_is_called_off_before_it_begins_is_never_asked(service: int) -> None:
    cancel = client.Cancel()
    cancel()
    with pytest.raises(client.Cancelled):
        client.check(SLEEPY, Told(), service=True, cancel=cancel)
    cancel()
