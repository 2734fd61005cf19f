"""What `thinkllm watch` does with saves, keys and verdicts, moment by moment."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.cli.background import Ended, Failed, Happening, Planned, Status
from thinkllm_drill.cli.keys import Keys
from thinkllm_drill.cli.session import Session
from thinkllm_drill.cli.watch import WARM_SECONDS, Watch
from thinkllm_drill.cli.watch_view import Changes, View, changes
from thinkllm_drill.errors import InternalError
from thinkllm_drill.progress.store import Store
from thinkllm_drill.verdict import CheckRequest, Verdict

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Typed(Keys):
    """Keys that a test types."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[str] = []

    def read(self, timeout: float) -> str | None:
        return self.waiting.pop(0) if self.waiting else None


@dataclass
class FakeRun:
    """A check in which happens what a test says."""

    request: CheckRequest
    service: bool = True
    wake: Callable[[], None] = print
    waiting: list[Happening] = field(default_factory=list)
    cancelled: bool = False

    def happened(self) -> list[Happening]:
        found, self.waiting = self.waiting, []
        return found

    def cancel(self, *, wait: float = 0.0) -> None:
        self.cancelled = True


class World:
    """One watch of gqa whose clock, keys and checks a test moves."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.slug = path, "gqa"
        self.now = 0.0
        self.keys = Typed()
        self.runs: list[FakeRun] = []
        self.session = Session()
        self.watch = Watch(
            self.session, View(self.session, keys=True), self.keys, start=self._start, clock=lambda: self.now
        )
        self._capsys = capsys
        self._saves = 0

    def _start(self, request: CheckRequest, **more: Any) -> Any:
        self.runs.append(FakeRun(request, **more))
        return self.runs[-1]

    def begin(self) -> str:
        self.watch.begin(self.slug, self.path)
        return self.step()

    def step(self) -> str:
        """What is written in one step."""
        self.watch.step()
        return self._capsys.readouterr().out

    def save(self, extra: str) -> str:
        self._saves += 1
        self.path.write_text(self.path.read_text() + extra + "\n" * self._saves)
        return self.step()

    def press(self, key: str) -> str:
        self.keys.waiting.append(key)
        return self.step()

    def judge(self, scenario: str) -> str:
        """What is written when the running check says this."""
        self.runs[-1].waiting.append(verdict_of(scenario, self.runs[-1].request))
        return self.step()


def verdict_of(scenario: str, request: CheckRequest) -> Verdict:
    verdict = sys.modules["fake_judge"].SCENARIOS[scenario](request)
    assert isinstance(verdict, Verdict)
    return verdict


@pytest.fixture
def world(cli: Any, solve: Any, capsys: pytest.CaptureFixture[str]) -> World:
    cli("drill", "gqa")
    return World(solve("gqa"), capsys)


def events(home: Path, kind: str) -> int:
    with Store.open(home / "progress.db") as store:
        return sum(event.kind == kind for event in store.events("gqa"))


def test_an_attempt_is_graded_at_once_and_at_each_save(world: World, home: Path) -> None:
    world.begin()
    assert len(world.runs) == 1
    first = world.judge("wrong")
    assert "✗ values        wrong · two query heads a group" in first
    assert "2 passed · 2 not reached · 0.12 s" in first
    assert "Smallest failing case: batch 1" in first
    assert "expected   [[ 0.412, -1.201 ]," in first
    assert "divided by √head_dim" in first
    assert "now passing" not in first
    assert events(home, "check") == 1
    assert world.step() == ""
    world.save("# more")
    assert world.runs[1].request.source == world.path.read_bytes()
    second = world.judge("pass")
    assert "✓ 4 checks in 0.21 s" in second
    assert "now passing: values, cost" in second
    assert "Passed in" in second
    assert "2 runs, no hints" in second
    assert events(home, "check") == 2


def test_what_fails_still_and_what_fails_now(world: World) -> None:
    world.begin()
    world.judge("wrong")
    world.save("# again")
    assert "still failing: values" in world.judge("wrong")
    world.save("# worse")
    assert "now failing: contract" in world.judge("crash")


def test_a_newer_save_calls_the_running_check_off(world: World, home: Path) -> None:
    world.begin()
    world.save("# newer")
    assert [run.cancelled for run in world.runs] == [True, False]
    assert "0.21 s" in world.judge("pass")
    assert events(home, "check") == 1


def test_a_verdict_on_what_is_not_in_the_file_any_more_is_not_shown(world: World, home: Path) -> None:
    world.begin()
    run = world.runs[-1]
    run.waiting.append(verdict_of("wrong", run.request))
    world.watch._follow(Status("looking"))
    world.path.write_text(world.path.read_text() + "# newer\n")
    world.watch._follow(run.happened()[0])
    assert "wrong" not in world.step()
    assert len(world.runs) == 2
    assert events(home, "check") == 0


def test_an_untouched_attempt_is_not_graded_and_the_service_gets_ready(
    cli: Any, judge: Any, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    cli("drill", "gqa")
    world = World(home / "attempts/attention/gqa.py", capsys)
    judge.started = 0
    assert "Not started. Blank 1, line" in world.begin()
    assert world.runs == []
    assert judge.started == 1
    assert events(home, "check") == 0
    world.now += WARM_SECONDS
    world.step()
    assert judge.started == 2


def test_a_syntax_error_needs_no_judge_and_says_nothing_of_the_checks(world: World, home: Path) -> None:
    world.begin()
    world.judge("wrong")
    assert world.save("def f(:") == ""
    world.now += 1
    shown = world.step()
    assert "SyntaxError: invalid syntax" in shown
    assert "now failing" not in shown
    assert events(home, "check") == 2
    world.path.write_text(world.path.read_text().replace("def f(:", "x = 1"))
    world.step()
    assert "still failing: values" in world.judge("wrong")


def test_a_file_that_is_deleted_and_comes_back(world: World) -> None:
    world.begin()
    source = world.path.read_text()
    world.path.unlink()
    world.step()
    world.now += 1
    assert "gqa.py is gone" in world.step()
    assert world.runs[0].cancelled
    world.path.write_text(source)
    world.step()
    assert len(world.runs) == 2


def test_the_attempt_may_be_written_afresh_meanwhile(world: World, cli: Any) -> None:
    world.begin()
    world.judge("pass")
    cli("reset", "gqa")
    assert "Not started" in world.step()


def test_no_verdict_is_one_message_and_the_next_save_goes_on(world: World) -> None:
    world.begin()
    world.runs[-1].waiting.append(Failed(InternalError("the service went away")))
    shown = world.step()
    assert "the service went away" in shown
    assert "thinkllm doctor" in shown
    world.save("# again")
    assert "0.21 s" in world.judge("pass")


def test_a_fault_of_ours_is_not_hidden(world: World) -> None:
    world.begin()
    world.runs[-1].waiting.append(Failed(KeyError("fault")))
    with pytest.raises(KeyError):
        world.step()


def test_events_of_a_check_are_no_lines(world: World) -> None:
    world.begin()
    checks = verdict_of("pass", world.runs[-1].request).checks
    world.runs[-1].waiting += [Status("starting"), Planned(checks), Ended(checks[0])]
    assert world.step() == ""


def test_a_failure_is_shown_before_its_reason_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr(world.session.out, "moves", True)
    world.begin()
    whole = verdict_of("wrong", world.runs[-1].request)
    world.runs[-1].waiting += [Planned(whole.checks), *map(Ended, whole.checks)]
    early = ESCAPES.sub("", world.step())
    assert "✗ values        wrong · two query heads a group" in early
    assert "2 passed · looking for the reason …" in early
    assert "yours      [[ 0.412, -1.201 ]," in early
    assert events(home, "check") == 0
    late = ESCAPES.sub("", world.judge("wrong"))
    assert "divided by √head_dim" in late
    assert "looking for" not in late
    assert "still failing" not in late
    assert events(home, "check") == 1


def test_hints_are_counted_and_the_last_is_shown_again(world: World, home: Path) -> None:
    world.begin()
    world.judge("wrong")
    assert "hint 1 of 3" in world.press("h")
    assert "hint 2 of 3" in world.press("H")
    assert "hint 3 of 3" in world.press("h")
    assert "hint 3 of 3" in world.press("h")
    assert events(home, "hint") == 3


def test_r_and_enter_run_again(world: World) -> None:
    world.begin()
    world.judge("wrong")
    world.press("r")
    world.press("enter")
    assert [run.cancelled for run in world.runs] == [True, True, False]


def test_the_statement(world: World) -> None:
    world.begin()
    assert "several query heads share one" in world.press("s")


def test_the_next_exercise_is_drilled_and_watched(world: World, home: Path) -> None:
    world.begin()
    shown = world.press("n")
    assert "Wrote" in shown
    assert world.runs[0].cancelled
    assert world.watch.slug == "softmax"
    path = home / "attempts/functions/softmax.py"
    assert world.step() == ""
    path.write_text("import torch\n\n\ndef softmax(x):\n    return x\n")
    world.step()
    assert world.runs[-1].request.file == str(path)


def test_after_a_pass_the_next_exercise_is_the_one_they_ask(
    cli: Any, solve: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cli("drill", "softmax")
    world = World(solve("softmax", "functions"), capsys)
    world.slug = "softmax"
    world.begin()
    shown = world.judge("pass")
    assert "Then they ask:" in shown
    assert "thinkllm drill gqa" in shown
    world.press("n")
    assert world.watch.slug == "gqa"


def test_after_a_failure_d_debugs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Any] = []
    monkeypatch.setattr("subprocess.call", lambda command, env: ran.append((command, env)))
    world.session.override("lang", "en")
    assert "d debug" not in ESCAPES.sub("", world.begin())
    shown = ESCAPES.sub("", world.judge("wrong"))
    assert "thinkllm debug gqa runs this case" in shown
    world.press("d")
    (command, env) = ran[0]
    assert command[-2:] == ["debug", str(world.path)]
    assert env["THINKLLM_LANG"] == "en"


def test_what_is_longer_than_the_window_ends_with_its_headline(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = world.session.out
    monkeypatch.setattr(screen, "moves", True)
    monkeypatch.setattr(screen, "measure", lambda: None)
    for lines in (10, 60):
        screen.width, screen.height = 80, lines
        world.begin()
        shown = ESCAPES.sub("", world.judge("wrong"))
        assert ("✗ values · 2 passed · 2 not reached" in shown) == (lines == 10)
        world.save("#")


@pytest.mark.parametrize("key", ["q", "Q", "ctrl-c", "ctrl-d"])
def test_leaving_calls_the_check_off(world: World, key: str) -> None:
    world.begin()
    world.press(key)
    assert world.watch.over
    world.watch.end()
    assert world.runs[0].cancelled


def test_other_keys_do_nothing(world: World) -> None:
    world.begin()
    world.judge("wrong")
    assert world.press("x") == world.press("up") == world.press("resize") == ""


def test_changes_are_of_the_same_exercise() -> None:
    request = CheckRequest("gqa", "gqa.py", b"", "")
    wrong, right = verdict_of("wrong", request), verdict_of("pass", request)
    assert changes(None, wrong) is None
    assert changes(replace(right, slug="mha"), wrong) is None
    assert changes(wrong, wrong) == Changes(still=(wrong.checks[2],))
    assert changes(right, wrong) == Changes(red=(wrong.checks[2],))
    assert changes(wrong, right) == Changes(green=(right.checks[2], right.checks[3]))


def test_without_an_attempt_there_is_nothing_to_watch(cli: Any) -> None:
    result = cli("watch", "gqa")
    assert result.code == 2
    assert "thinkllm drill gqa" in result.err


def test_json_is_a_line_for_each_verdict(cli: Any, judge: Any, solve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("drill", "gqa")
    path = solve("gqa")
    reads = 0

    def read(self: Keys, timeout: float) -> str | None:
        nonlocal reads
        reads += 1
        if len(judge.requests) == 1 and reads > 50:
            path.write_text(path.read_text() + "# more\n")
            reads = 0
        self._woken.wait(timeout)
        self._woken.clear()
        return "ctrl-c" if len(judge.requests) > 1 and reads > 50 else None

    monkeypatch.setattr(Keys, "read", read)
    result = cli("watch", "--json")
    assert result.code == 0
    verdicts = [json.loads(line) for line in result.out.splitlines()]
    assert [verdict["status"] for verdict in verdicts] == ["passed", "passed"]
    assert {verdict["schema"] for verdict in verdicts} == {1}
