"""One case of an attempt in this process: what it is asked, what comes of it, and the script that asks it again."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from thinkllm_drill.content import mistakes
from thinkllm_drill.content.library import Library
from thinkllm_drill.errors import ThinkLLMError
from thinkllm_drill.judge import client, daemon
from thinkllm_drill.judge.debug import Interrupted, debug
from thinkllm_drill.judge.replay import Replay
from thinkllm_drill.verdict import Check, CheckRequest, Verdict

CHECKOUT = Path(__file__).resolve().parents[2]
LIBRARY = Library(CHECKOUT)
SEED = "51dfac0270716d18"

pytestmark = pytest.mark.filterwarnings("ignore:.*subprocess.*is still running")


class Heard:
    """What happened while a case ran."""

    def __init__(self) -> None:
        self.case: str | None = None
        self.calls: list[str] = []
        self.replay: Replay | None = None
        self.slow: list[tuple[int, str]] = []

    def on_case(self, check: Check, case: str | None, seed: str) -> None:
        self.case = case

    def on_call(self, call: str, arguments: str | None) -> None:
        self.calls.append(call)

    def on_replay(self, replay: Replay) -> None:
        self.replay = replay

    def on_slow(self, line: int, function: str, seconds: float) -> None:
        self.slow.append((line, function))

    def on_status(self, text: str) -> None:
        pass

    def on_plan(self, checks: list[Check]) -> None:
        pass

    def on_check(self, check: Check) -> None:
        pass


@pytest.fixture(scope="module", autouse=True)
def _service(world: Path) -> Iterator[None]:
    yield
    daemon.stop_service()


@pytest.fixture
def attempt(tmp_path: Path) -> Any:
    """A request for an exercise with this source in the place of the reference."""

    def make(slug: str, source: str, **more: Any) -> CheckRequest:
        file = tmp_path / f"{slug.replace('-', '_')}.py"
        file.write_text(source)
        return CheckRequest(slug, str(file), source.encode(), str(CHECKOUT), seed=SEED, **more)

    return make


def mistaken(slug: str, name: str | None = None) -> str:
    known = mistakes.load(LIBRARY.paths(slug))
    return next(mistake.source for mistake in known if name in (None, mistake.id))


def last(request: CheckRequest) -> tuple[Verdict, dict[str, Any]]:
    """A verdict, and what `debug` takes from it."""
    verdict = Verdict.from_json(json.loads(json.dumps(client.check(request, Heard(), service=True).to_json())))
    failure = verdict.failure
    assert failure is not None
    assert failure.cause is not None
    return verdict, {"check": failure.id, "probe": failure.cause.probe}


def script_prints(heard: Heard, folder: Path) -> str:
    assert heard.replay is not None
    inputs = folder / "inputs.pt"
    values, code = heard.replay.written(inputs)
    torch.save(values, inputs)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=folder)
    assert ran.returncode == 0, code + ran.stderr
    assert "thinkllm" not in code
    return ran.stdout


@pytest.mark.parametrize("slug", LIBRARY.slugs())
def test_every_exercise_can_be_debugged(attempt: Any, slug: str) -> None:
    if any(importlib.util.find_spec(name) is None for name in LIBRARY.exercise(slug).needs):
        pytest.skip("not installed")
    heard = Heard()
    ended = debug(attempt(slug, mistaken(slug)), heard)
    assert ended.check.status not in ("internal", "skipped")
    assert heard.replay is not None
    _, code = heard.replay.written(Path("inputs.pt"))
    compile(code, "script", "exec")


@pytest.mark.parametrize(
    ("slug", "mistake"),
    [("gqa", "no-scale"), ("softmax", None), ("causal-mask", "integers"), ("moe-layer", "logits-detached")],
)
def test_the_failing_case_fails_again_as_it_was_shown(attempt: Any, slug: str, mistake: str | None) -> None:
    request = attempt(slug, mistaken(slug, mistake))
    verdict, failed = last(request)
    assert verdict.failure is not None
    ended = debug(request, Heard(), **failed)
    assert ended.check.status == verdict.failure.status
    assert ended.check.cause is not None
    assert verdict.failure.cause is not None
    for part in ("message", "expected", "actual"):
        assert getattr(ended.check.cause, part) == getattr(verdict.failure.cause, part)


def test_the_script_does_without_us(attempt: Any, tmp_path: Path) -> None:
    request = attempt("gqa", mistaken("gqa", "no-scale"))
    _, failed = last(request)
    heard = Heard()
    ended = debug(request, heard, **failed)
    assert heard.calls[-1] == "GroupedQueryAttention(x)"
    assert ended.check.cause is not None
    shown = script_prints(heard, tmp_path)
    assert "tensor(" in shown
    assert ended.check.cause.actual is not None
    numbers = [re.findall(r"-?\d+\.\d+", text) for text in (ended.check.cause.actual, shown)]
    assert [float(n) for n in numbers[0]] == pytest.approx([float(n) for n in numbers[1]], abs=2e-3)


@pytest.mark.parametrize("slug", ["react-loop", "adamw", "dropout"])
def test_scripts_of_objects_callbacks_and_generators_run(attempt: Any, slug: str, tmp_path: Path) -> None:
    heard = Heard()
    ended = debug(attempt(slug, LIBRARY.reference(slug)), heard)
    assert ended.check.status == "passed"
    assert script_prints(heard, tmp_path)


def test_a_case_that_is_right_tells_what_came(attempt: Any) -> None:
    heard = Heard()
    ended = debug(attempt("softmax", LIBRARY.reference("softmax")), heard)
    assert ended.check.status == "passed"
    assert ended.returned
    assert heard.case


def test_an_exception_has_the_learners_own_frames(attempt: Any) -> None:
    source = "def inner(x):\n    return x.view(-1, 7)\n\ndef softmax(x, dim=-1):\n    return inner(x)\n"
    request = attempt("softmax", source + "log_softmax = softmax\n")
    ended = debug(request, Heard())
    assert ended.traceback is not None
    assert ended.traceback.count("File ") == 2
    assert f'"{request.file}", line 2, in inner' in ended.traceback


def test_a_file_that_does_not_load_shows_where(attempt: Any) -> None:
    ended = debug(attempt("softmax", "import torch\n1 / 0\n"), Heard())
    assert ended.check.status == "error"
    assert "line 2, in <module>" in (ended.traceback or "")


def test_a_named_case_and_one_that_is_not_known(attempt: Any) -> None:
    request = attempt("gqa", LIBRARY.reference("gqa"))
    heard = Heard()
    debug(replace(request, case="two-query-heads-a-group"), heard)
    assert (heard.case or "").startswith("two query heads a group")
    with pytest.raises(ThinkLLMError, match="no-such") as caught:
        debug(replace(request, case="no-such"), Heard())
    assert caught.value.exit_code == 2


def test_leaving_the_debugger_ends_it(attempt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import bdb

    def quit_(*_: Any, **__: Any) -> None:
        raise bdb.BdbQuit

    monkeypatch.setattr(sys, "breakpointhook", quit_)
    with pytest.raises(KeyboardInterrupt):
        debug(attempt("softmax", "def softmax(x, dim=-1):\n    breakpoint()\nlog_softmax = softmax\n"), Heard())


ENDLESS = """def softmax(x, dim=-1):
    while True:
        pass
"""


def test_an_endless_loop_is_told_of_and_ends_at_the_limit(attempt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinkllm_drill.judge.slow.FIRST_SECONDS", 0.1)
    heard = Heard()
    ended = debug(attempt("softmax", ENDLESS), heard, limit=1.0)
    assert ended.check.status == "error"
    assert "no answer after 1 s" in str(ended.traceback)
    assert "in softmax" in str(ended.traceback)
    assert "thinkllm_drill" not in str(ended.traceback)
    line, function = heard.slow[0]
    assert line in (2, 3)
    assert function == "softmax"


def test_an_endless_loop_ends_where_interrupts_are_ignored(attempt: Any) -> None:
    """As in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ended = debug(attempt("softmax", ENDLESS), Heard(), limit=0.5)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "no answer after 0.5 s" in str(ended.traceback)


def test_an_interrupt_shows_the_learners_own_traceback(attempt: Any) -> None:
    source = (
        "import _thread\n\n\ndef softmax(x, dim=-1):\n    _thread.interrupt_main()\n    while True:\n        pass\n"
    )
    with pytest.raises(Interrupted) as caught:
        debug(attempt("softmax", source), Heard())
    assert "in softmax" in str(caught.value.traceback)
    assert "thinkllm_drill" not in str(caught.value.traceback)


def test_a_breakpoint_does_nothing_in_a_check(attempt: Any) -> None:
    source = LIBRARY.reference("gelu").replace("import torch\n", "import torch\nbreakpoint()\n", 1)
    assert client.check(attempt("gelu", source), Heard(), service=True).passed


def test_without_a_service(attempt: Any) -> None:
    assert debug(attempt("gelu", LIBRARY.reference("gelu")), Heard(), service=False).check.status == "passed"


def test_forbidden_calls_raise_only_where_a_rule_was_broken(attempt: Any) -> None:
    source = (
        "import torch\ndef softmax(x, dim=-1):\n    return torch.softmax(x, dim)\nlog_softmax = torch.log_softmax\n"
    )
    assert debug(attempt("softmax", source), Heard()).check.status == "passed"


def test_no_socket_is_left(world: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        assert not list((world / "run").glob("debug-*"))
