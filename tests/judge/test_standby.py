"""The judge that waits for the next check of an exercise: the same verdicts, used only for what it was prepared for."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from thinkllm_drill.judge import client, daemon
from thinkllm_drill.verdict import Check, CheckRequest, Verdict

CHECKOUT = Path(__file__).resolve().parents[2]
RIGHT = (CHECKOUT / "solutions/functions/softmax.py").read_bytes()
WRONG = RIGHT.replace(b"logits = logits - logits.amax(dim, keepdim=True)", b"pass")
CRASH = RIGHT.replace(b"weights = logits.exp()", b"import os; os._exit(3)")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="judges are forked on Linux"),
    pytest.mark.filterwarnings("ignore:.*subprocess.*is still running"),
]


class Told:
    """The names of the checks that were told of."""

    def __init__(self) -> None:
        self.planned: list[str] = []
        self.ended: list[str] = []

    def on_status(self, text: str) -> None:
        pass

    def on_plan(self, checks: list[Check]) -> None:
        self.planned = [check.id for check in checks]

    def on_check(self, check: Check) -> None:
        self.ended.append(check.id)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A content root of its own, to be changed."""
    root = tmp_path_factory.mktemp("content")
    for folder in ("exercises", "solutions", "graders"):
        shutil.copytree(CHECKOUT / folder / "functions", root / folder / "functions")
    return root


@pytest.fixture(scope="module")
def service(world: Path) -> Iterator[int]:
    """The process id of a service that prepares judges."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("THINKLLM_STANDBY")
        patch.setenv("THINKLLM_RUNTIME_DIR", str(world / "standby"))
        (world / "standby").mkdir(mode=0o700)
        pid = next(iter(client.ask({"type": "status"}, service=True)))["pid"]
        yield pid
        daemon.stop_service()


@pytest.fixture
def prepared(service: int, content: Path, wait_until: Callable[..., Any]) -> Callable[[], psutil.Process]:
    """Has a judge be prepared and returns its process once it waits."""

    def prepare() -> psutil.Process:
        client.start_service_in_background("softmax", content, "en")
        process: psutil.Process = wait_until(lambda: _waiting(service))
        return process

    return prepare


def _waiting(service: int) -> psutil.Process | None:
    """The judge that sleeps in a child of the service, and not a runner, which leads a group of its own."""
    judges = [child for child in psutil.Process(service).children() if not _is_runner(child)]
    asleep = [child for child in judges if _sleeps(child)]
    time.sleep(0.05)  # one that is about to end sleeps, too, while it waits for its runner to end
    return next((child for child in asleep if _sleeps(child)), None)


def _is_runner(process: psutil.Process) -> bool:
    try:
        return os.getpgid(process.pid) == process.pid
    except ProcessLookupError:
        return False


def _sleeps(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() == psutil.STATUS_SLEEPING
    except psutil.NoSuchProcess:
        return False


def ask(content: Path, source: bytes, told: Told | None = None, **more: Any) -> Verdict:
    request = CheckRequest("softmax", "softmax.py", source, str(content), **more)
    return client.check(request, told or Told(), service=True)


def figures(verdict: Verdict) -> list[tuple[str, str]]:
    return [(check.id, check.status) for check in verdict.checks]


def test_a_prepared_judge_gives_the_verdict_that_any_judge_gives(service, content, prepared):
    for source, status in ((RIGHT, "passed"), (WRONG, "failed"), (CRASH, "failed"), (b"import nothing", "error")):
        plain = ask(content, source, seed="00000000000000aa")  # a seed of its own: not what was prepared
        prepared()
        told = Told()
        verdict = ask(content, source, told)
        assert (verdict.status, plain.status) == (status, status)
        assert figures(verdict) == figures(plain)
        assert [check.id for check in verdict.checks] == told.planned == told.ended
        assert verdict.seed != plain.seed
        assert (verdict.diagnosis and verdict.diagnosis.mistake) == (plain.diagnosis and plain.diagnosis.mistake)
        assert verdict.file == "softmax.py"


def test_the_seed_of_a_prepared_verdict_replays(content, prepared):
    prepared()
    first = ask(content, WRONG)
    again = ask(content, WRONG, seed=first.seed)
    assert first.failure is not None
    assert again.failure is not None
    assert again.failure.cause == first.failure.cause


def test_what_it_is_not_prepared_for_is_graded_all_the_same(content, prepared):
    prepared()
    verdict = ask(content, RIGHT, case="one-entry")
    assert verdict.passed
    prepared()
    assert ask(content, RIGHT, seed="00000000000000ab").seed == "00000000000000ab"
    prepared()
    assert ask(content, WRONG, lang="zh").failure is not None


def test_a_runner_that_ended_while_it_waited_costs_nothing(service, content, prepared, wait_until, lives):
    judge = prepared()
    runners = [child for child in psutil.Process(service).children() if _is_runner(child)]
    assert runners
    for runner in runners:
        with contextlib.suppress(psutil.NoSuchProcess):
            runner.kill()
    wait_until(lambda: not any(lives(runner) for runner in runners))
    told = Told()
    assert ask(content, RIGHT, told).passed
    wait_until(lambda: not lives(judge))


def test_changed_content_is_read_anew(content, prepared):
    prepared()
    grader = content / "graders/functions/test_softmax.py"
    before = grader.read_text("utf-8")
    grader.write_text(before.replace('entry = "log_softmax"', 'entry = "log_softmax"\n    cases = ()'), "utf-8")
    try:
        assert ask(content, RIGHT).status == "internal"
    finally:
        grader.write_text(before, "utf-8")
    assert ask(content, RIGHT).passed


def test_one_that_has_died_is_replaced(service, content, prepared):
    judge = prepared()
    judge.send_signal(signal.SIGKILL)
    assert ask(content, RIGHT).passed
    judge = prepared()
    judge.send_signal(signal.SIGSTOP)
    psutil.Process(judge.pid).send_signal(signal.SIGCONT)
    assert ask(content, RIGHT).passed


def test_another_exercise_has_its_own(content, prepared, wait_until, lives):
    first = prepared()
    request = CheckRequest("softmax", "softmax.py", RIGHT, str(CHECKOUT))
    assert client.check(request, Told(), service=True).passed  # the same exercise of another content root
    wait_until(lambda: not lives(first))


def test_a_grader_that_cannot_be_read_is_told_of(content, prepared):
    grader = content / "graders/functions/test_softmax.py"
    before = grader.read_text("utf-8")
    grader.write_text("import nothing_of_the_kind\n", "utf-8")
    try:
        prepared()
        verdict = ask(content, RIGHT)
        assert verdict.status == "internal"
        assert "nothing_of_the_kind" in (verdict.note or "")
    finally:
        grader.write_text(before, "utf-8")
