"""The whole way of a speed check, with the CPU in place of the GPU: processes, inputs, figures, verdicts."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.gpu import check, facts, processes, protocol
from thinkllm_drill.judge import session
from thinkllm_drill.judge.launch import SpawnLauncher
from thinkllm_drill.judge.limits import MEMORY_BYTES
from thinkllm_drill.verdict import CheckRequest, Verdict


@pytest.fixture
def grade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Callable[..., Path], solution: str
) -> Iterator[Callable[..., Verdict]]:
    pytest.importorskip("triton")
    monkeypatch.setenv("THINKLLM_GPU", "simulated")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setenv("THINKLLM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(check, "BASELINES", ("eager",))
    monkeypatch.setattr(protocol, "SLOPES", 1)
    monkeypatch.setattr(protocol, "SLOPE_WITHIN", (-math.inf, math.inf))  # this machine may be busy
    monkeypatch.setattr(protocol, "LATE_SECONDS", 1e9)
    facts.present.cache_clear()
    sys.modules.pop("test_double", None)

    def grade(attempt: str = solution, *, at_least: float = 1e-9, **request: Any) -> Verdict:
        root = content(at_least=at_least)
        asked = CheckRequest("double", "double.py", attempt.encode(), str(root), **request)
        launcher = SpawnLauncher(MEMORY_BYTES, spares=0)
        try:
            return session.grade(asked, lambda event: None, launcher)
        finally:
            launcher.close()

    yield grade
    facts.present.cache_clear()


def speed_of(verdict: Verdict) -> Any:
    return next(each for each in verdict.checks if each.kind == "speed")


@pytest.mark.slow
def test_a_kernel_that_is_fast_enough_passes_with_figures(grade: Callable[..., Verdict]) -> None:
    verdict = grade(device="cuda")
    found = speed_of(verdict)
    assert (verdict.status, found.status) == ("passed", "passed"), (found.cause, verdict.note)
    assert "of this GPU's copy bandwidth" in found.detail
    (figures,) = found.speeds
    assert figures["outcome"] == "passed"
    assert figures["launches"] == 1
    assert set(figures["seconds"]) == {"attempt", "copy", "eager"}
    assert Verdict.from_json(verdict.to_json()) == verdict


@pytest.mark.slow
def test_a_slow_one_fails_and_is_told_what_to_look_at(grade: Callable[..., Verdict]) -> None:
    verdict = grade(device="auto", at_least=0.9)
    found = speed_of(verdict)
    assert (verdict.status, found.status) == ("failed", "wrong"), found.speeds
    assert "Count loads and stores" in found.cause.message
    assert found.speeds[0]["outcome"] == "slow"


@pytest.mark.slow
def test_what_is_only_done_where_it_is_timed_is_found(grade: Callable[..., Verdict], solution: str) -> None:
    head = "def double(x):\n"
    found = speed_of(
        grade(solution.replace(head, head + "    if len(x) == 4096: return x * 2 + 1e-3\n"), device="cuda")
    )
    assert found.status == "wrong"
    assert "an output of a timed call is wrong" in found.cause.message


def test_on_the_cpu_the_speed_is_not_measured(grade: Callable[..., Verdict]) -> None:
    verdict = grade(device="cpu")
    assert (verdict.status, speed_of(verdict).status) == ("passed_speed_unmeasured", "skipped")
    assert speed_of(verdict).detail == "thinkllm check double --device cuda times it"


def test_a_process_that_does_not_come_up_is_no_fault_of_the_attempt(
    grade: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "launcher", lambda *_: SpawnLauncher(1, spares=0, command=["/bin/false"]))
    monkeypatch.setattr(check, "launcher", processes.launcher)
    verdict = grade(device="cuda")
    assert (verdict.status, speed_of(verdict).status) == ("internal", "internal")
