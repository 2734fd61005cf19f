"""A judge that grades nothing: it plays the verdict that a test asks for.

As a program it runs the command line with such a judge, for tests in a real terminal:
`python fake_judge.py SCENARIO ARG …`.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from thinkllm_drill.errors import InternalError
from thinkllm_drill.verdict import Cause, Check, CheckRequest, Diagnosis, Frame, Verdict

SEED = "7f3a91c0ffee0001"


@dataclass(frozen=True)
class ServiceStatus:
    running: bool = False
    pid: int | None = None
    started_at: float | None = None
    key: str | None = None
    resident_bytes: int | None = None
    socket: str | None = None


class Cancelled(Exception):
    """The check was called off."""


class Cancel:
    """Calls a check off."""

    called = False

    def __call__(self) -> None:
        self.called = True


@dataclass(frozen=True)
class Fact:
    name: str
    ok: bool | None
    value: str
    advice: str | None = None


def check(id_: str, status: str = "passed", **rest: Any) -> Check:
    kind = id_.split(".")[-1]
    return Check(id_, rest.pop("title", f"title of {id_}"), kind, status, 0.01, **rest)  # type: ignore[arg-type]


PASS = (
    check("defined", detail="GroupedQueryAttention(d_model, num_heads, num_kv_heads)"),
    check("contract"),
    check("values"),
    check("cost", detail="no key is copied"),
    check("speed", "skipped", detail="no CUDA device"),
)
WRONG = (
    check("defined", detail="GroupedQueryAttention(d_model, num_heads, num_kv_heads)"),
    check("contract"),
    check(
        "values",
        "wrong",
        title="two query heads a group",
        cause=Cause(
            "The values differ.",
            case="batch 1, 2 heads on 1 key head, 2 tokens, head_dim 4",
            expected="[[ 0.412, -1.201 ],\n [ 0.377, -0.950 ]]",
            actual="[[ 0.412, -1.201 ],\n [ 0.301, -0.822 ]]",
            where="The first token is right, every later one is not.",
            rerun="two query heads a group",
        ),
    ),
    check("edges", "skipped"),
    check("gradients", "skipped"),
)
CRASH = (
    check("defined"),
    check(
        "contract",
        "error",
        cause=Cause(
            "RuntimeError: [red]evil\x1b]0;title\x07[/red]\nq is (2, 8, 5, 4)",
            frames=(
                Frame(12, "GroupedQueryAttention.forward", "        return self.attend(q, k)"),
                Frame(31, "GroupedQueryAttention.attend", "        scores = q @ k.transpose(-1, -2)"),
            ),
        ),
    ),
    check("values", "skipped"),
)


def passed(request: CheckRequest) -> Verdict:
    return Verdict(request.slug, request.file, "passed", request.seed or SEED, 0.21, "cpu", PASS)


def unmeasured(request: CheckRequest) -> Verdict:
    return replace(passed(request), status="passed_speed_unmeasured")


def wrong(request: CheckRequest) -> Verdict:
    diagnosis = Diagnosis("no-scale", "This is what comes out when the scores are not divided by √head_dim.")
    return Verdict(request.slug, request.file, "failed", request.seed or SEED, 0.12, "cpu", WRONG, diagnosis)


def crash(request: CheckRequest) -> Verdict:
    stdout = "".join(f"line {number}\x1b[31m\n" for number in range(30))
    return Verdict(request.slug, request.file, "failed", request.seed or SEED, 0.05, "cpu", CRASH, stdout=stdout)


def two(request: CheckRequest) -> Verdict:
    rule = Cause(
        "torch.softmax is not allowed",
        case="small",
        inputs="x = [[1.0, 2.0],\n     [3.0, 4.0]]",
        expected="1",
        actual="2",
        frames=(Frame(7, "softmax", "    return torch.softmax(x)"),),
    )
    shift = Cause("the same logits plus 8", case="shifted", expected="3", actual="4")
    checks = (
        Check("softmax.defined", "softmax: defined", "defined", "passed", detail="softmax(x)"),
        Check("log_softmax.defined", "log_softmax: defined", "defined", "passed", detail="log_softmax(x)"),
        Check("softmax.contract", "softmax: shapes", "contract", "skipped", detail="stopped"),
        Check("softmax.rules", "softmax: nothing forbidden used", "rules", "rule", cause=rule),
        Check(
            "log_softmax.properties.shift", "log_softmax: a shift changes nothing", "properties", "wrong", cause=shift
        ),
    )
    return Verdict(request.slug, request.file, "failed", request.seed or SEED, 0.12, "cpu", checks)


def internal(request: CheckRequest) -> Verdict:
    checks = (check("defined", "internal", cause=Cause("the grader raised KeyError: 'x'")),)
    return Verdict(request.slug, request.file, "internal", SEED, 0.05, "cpu", checks, note="Our fault.")


SCENARIOS = {"pass": passed, "wrong": wrong, "crash": crash, "internal": internal, "two": two, "unmeasured": unmeasured}


@dataclass
class FakeJudge:
    """What the fake was asked, and what it answers."""

    scenario: str = "pass"
    delay: float = 0.0
    requests: list[CheckRequest] = field(default_factory=list)
    services: list[bool] = field(default_factory=list)
    started: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)
    status: ServiceStatus = field(default_factory=ServiceStatus)
    facts: list[Fact] = field(default_factory=lambda: [Fact("torch", True, "2.13.0"), Fact("cuda", None, "no device")])

    def check(
        self, request: CheckRequest, events: Any, *, service: bool, cancel: Any = None, kernels: bool | None = None
    ) -> Verdict:
        self.requests.append(request)
        self.services.append(service)
        events.on_status("starting torch…")
        time.sleep(self.delay)
        if cancel is not None and cancel.called:
            raise Cancelled
        if self.scenario == "gone":
            raise InternalError("the service went away", hint="thinkllm check --no-service")
        if self.scenario == "interrupt":
            raise KeyboardInterrupt
        verdict = SCENARIOS[self.scenario](request)
        events.on_plan([replace(check, status="skipped", cause=None) for check in verdict.checks])
        for one in verdict.checks:
            time.sleep(self.delay)
            events.on_check(one)
        return verdict

    def run_example(self, slug: str, doctest: str, content: Any, *, service: bool = True) -> list[str]:
        self.examples.append((slug, doctest))
        if self.scenario == "gone":
            raise InternalError("the service went away", hint="thinkllm check --no-service")
        return []

    def log_file(self) -> Path:
        return Path(os.environ["THINKLLM_RUNTIME_DIR"]) / "service.log"

    def start_service_in_background(self, slug: str, content: Path, lang: str) -> None:
        self.started += 1

    def service_status(self, *, kernels: bool = False) -> ServiceStatus:
        return ServiceStatus(False) if kernels else self.status

    def stop_service(self) -> bool:
        return self.status.running

    def modules(self) -> dict[str, ModuleType]:
        """The modules of the judge that the command line uses."""
        client, daemon = (ModuleType(f"thinkllm_drill.judge.{name}") for name in ("client", "daemon"))
        for name in ("check", "run_example", "start_service_in_background"):
            setattr(client, name, getattr(self, name))
        client.has_kernels = lambda needs: False  # type: ignore[attr-defined]
        for name in ("log_file", "service_status", "stop_service"):
            setattr(daemon, name, getattr(self, name))
        client.Cancel, client.Cancelled = Cancel, Cancelled  # type: ignore[attr-defined]
        facts = ModuleType("thinkllm_drill.judge.facts")
        facts.facts = lambda: self.facts  # type: ignore[attr-defined]
        return {"client": client, "daemon": daemon, "facts": facts}

    def install(self) -> None:
        """Put the modules in place of the real ones, in this process for good."""
        import thinkllm_drill.judge as package

        for name, module in self.modules().items():
            sys.modules[module.__name__] = module
            setattr(package, name, module)


if __name__ == "__main__":
    from thinkllm_drill.cli import main

    scenario, _, delay = sys.argv[1].partition(":")
    FakeJudge(scenario, float(delay or 0)).install()
    sys.exit(main(sys.argv[2:]))
