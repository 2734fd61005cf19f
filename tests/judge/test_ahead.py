"""Requests sent before their scenario asks: foretold by a recorder, answered in order, let go when unwanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from thinkllm_drill.grading import SHOWN
from thinkllm_drill.judge.failures import AttemptRaised, AttemptTimeout
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.judge.script import Recorder, Scripts
from thinkllm_drill.judge.under_way import MAX_BYTES, Astray, Script

SOURCE = """
import time
import torch
from torch import nn

seen = []

def double(x):
    seen.append(x.shape[0])
    return 2 * x

def doubled_in_place(x):
    x.mul_(2)
    return x

def calls():
    return seen

def slow(seconds):
    time.sleep(seconds)
    return seconds

def raises(x):
    raise KeyError("no")

def applied(f, x):
    return f(x)

class Scale(nn.Module):
    def __init__(self, n):
        super().__init__()
        if n < 0:
            raise ValueError("negative")
        self.weight = nn.Parameter(torch.zeros(n))

    def forward(self, x):
        return self.weight * x

class Total:
    def __init__(self, start):
        self.sum = start.clone()

    def add(self, x):
        self.sum += x
        return self.sum.clone()

    def added(self, x):
        self.sum += x
        return self
"""
FILL = "def fill(module, value):\n    with torch.no_grad():\n        module.weight.fill_(value)"

Make = Callable[..., Attempt]
Scenario = Callable[[Any], Iterator[Any]]


def double(n: int, name: str = "double") -> Scenario:
    def scenario(impl: Any) -> Iterator[Any]:
        yield impl[name](x=torch.arange(n, dtype=torch.float32))

    return scenario


def module(n: int) -> Scenario:
    def scenario(impl: Any) -> Iterator[Any]:
        made = impl["Scale"](n=n)
        impl.local(FILL, foretold=None)(made, 3.0)
        yield made(x=torch.arange(n, dtype=torch.float32))

    return scenario


def total(n: int, method: str = "add") -> Scenario:
    def scenario(impl: Any) -> Iterator[Any]:
        start = impl.place(torch.ones(2))
        sum_ = impl["Total"](start=start)
        for k in range(n):
            yield getattr(sum_, method)(torch.full((2,), float(k)))
        start.grad = torch.zeros(2)
        yield start.value()

    return scenario


def nap(seconds: float) -> Scenario:
    def scenario(impl: Any) -> Iterator[Any]:
        yield impl["slow"](seconds=seconds)

    return scenario


@pytest.fixture
def recorder() -> Recorder:
    return Recorder({"Scale": dir(torch.nn.Module), "Total": ["add", "added"]})


@pytest.fixture
def attempt(make: Make) -> Attempt:
    made = make(SOURCE)
    made.load()
    return made


def run(attempt: Attempt, scenario: Scenario, script: Script | None = None) -> list[Any]:
    with attempt.following(script):
        return list(scenario(attempt))


# what is foretold


@pytest.mark.parametrize(
    ("scenario", "asked"),
    [
        (double(3), [("call", "name", "double")]),
        (module(2), [("call", "name", "Scale"), ("call", "object"), ("call", "object")]),
        (
            total(1),
            [
                ("place",),
                ("call", "name", "Total"),
                ("call", "getattr"),
                ("call", "method", "add"),
                ("call", "setattr"),
                ("value",),
            ],
        ),
    ],
    ids=["function", "module", "object"],
)
def test_what_a_scenario_asks_is_foretold(recorder: Recorder, scenario: Scenario, asked: list[tuple[str, ...]]) -> None:
    script = recorder.script(lambda: scenario(recorder))
    assert script is not None
    assert [frame.asks for frame in script.frames] == asked


def test_gradients_are_foretold_without_their_values(recorder: Recorder) -> None:
    def scenario(impl: Any) -> Iterator[Any]:
        _, gradients = impl.vjp(impl["double"], {"x": torch.ones(2)}, ["x"], {0: torch.ones(2)})
        for name in sorted(gradients):
            yield name, gradients[name]

    script = recorder.script(lambda: scenario(recorder))
    assert script is not None
    assert [frame.asks for frame in script.frames] == [("vjp", "name", "double")]


def test_parts_of_what_a_function_returns_are_foretold(recorder: Recorder) -> None:
    def scenario(impl: Any) -> Iterator[Any]:
        for first, second in impl.local("lambda: [(1, 2), (3, 4)]", foretold=[(SHOWN, 2), (SHOWN, 4)])():
            yield first
            yield impl["double"](x=torch.ones(second))

    script = recorder.script(lambda: scenario(recorder))
    assert script is not None
    assert [frame.asks for frame in script.frames] == [("call", "object"), *[("call", "name", "double")] * 2]


def uses_an_answer(impl: Any) -> Iterator[Any]:
    first = impl["double"](x=torch.ones(2))
    yield impl["double"](x=first + 1)


def decides_by_an_answer(impl: Any) -> Iterator[Any]:
    if impl["double"](x=torch.ones(2)):
        yield impl["double"](x=torch.ones(3))


def hands_on_an_answer(impl: Any) -> Iterator[Any]:
    yield impl["double"](x=impl["double"](x=torch.ones(2)))


def reads_an_attribute(impl: Any) -> Iterator[Any]:
    yield impl["Scale"](n=1).weight.sum()


def hands_a_function(impl: Any) -> Iterator[Any]:
    yield impl["applied"](f=lambda x: x, x=1)


def looks_at_what_changed(impl: Any) -> Iterator[Any]:
    yield impl["double"](x=torch.ones(2))
    yield impl.changed


def fails_by_itself(impl: Any) -> Iterator[Any]:
    yield impl["double"](x=torch.ones(2))
    raise ZeroDivisionError


def asks_nothing(impl: Any) -> Iterator[Any]:
    yield 1


def is_large(impl: Any) -> Iterator[Any]:
    yield impl["double"](x=torch.zeros(MAX_BYTES // 4 + 1))


@pytest.mark.parametrize(
    "scenario",
    [
        uses_an_answer,
        decides_by_an_answer,
        hands_on_an_answer,
        reads_an_attribute,
        hands_a_function,
        looks_at_what_changed,
        fails_by_itself,
        asks_nothing,
        is_large,
    ],
)
def test_what_cannot_be_foretold_is_not(recorder: Recorder, scenario: Scenario) -> None:
    assert recorder.script(lambda: scenario(recorder)) is None
    assert recorder.script(lambda: double(1)(recorder)) is not None  # and nothing of it stays


def test_a_script_is_worked_out_once() -> None:
    scripts, runs = Scripts(), []

    def scenario(impl: Any) -> Iterator[Any]:
        runs.append(1)
        yield from double(2)(impl)

    assert scripts.get("key") is None
    assert scripts.of("key", {}, scenario) is scripts.of("key", {}, scenario) is scripts.get("key")
    assert len(runs) == 1


# what is sent ahead


def test_answers_are_those_of_asking(attempt: Attempt, recorder: Recorder) -> None:
    scenarios = [double(2), module(3), total(3), double(4), module(1)]
    scripts = [recorder.script(lambda s=s: s(recorder)) for s in scenarios]  # type: ignore[misc]
    alone = [run(attempt, scenario) for scenario in scenarios]
    for script in scripts:
        assert script is not None
        assert attempt.send_ahead(script)
    ahead = [run(attempt, *pair) for pair in zip(scenarios, scripts, strict=True)]
    assert [[part.tolist() for part in parts] for parts in ahead] == [[p.tolist() for p in parts] for parts in alone]
    assert run(attempt, lambda impl: iter([impl["calls"]()])) == [[2, 4, 2, 4]]


def test_it_works_while_we_do_not_ask(attempt: Attempt, recorder: Recorder) -> None:
    script = recorder.script(lambda: nap(2.0)(recorder))
    assert script is not None
    attempt.send_ahead(script)
    time.sleep(2.5)
    start = time.monotonic()
    assert run(attempt, nap(2.0), script) == [2.0]
    assert time.monotonic() - start < 1.5


def test_a_changed_argument_is_told(attempt: Attempt, recorder: Recorder) -> None:
    scenario = double(3, "doubled_in_place")
    script = recorder.script(lambda: scenario(recorder))
    assert script is not None
    attempt.send_ahead(script)
    run(attempt, scenario, script)
    assert attempt.changed == ["x"]


def test_what_was_not_foretold_may_come_between(attempt: Attempt, recorder: Recorder) -> None:
    script = recorder.script(lambda: double(3)(recorder))
    assert script is not None
    attempt.send_ahead(script)
    assert run(attempt, double(5))[0].tolist() == [0, 2, 4, 6, 8]
    assert run(attempt, double(3), script)[0].tolist() == [0, 2, 4]


def test_a_scenario_that_asks_something_else_gets_its_own_answers(attempt: Attempt, recorder: Recorder) -> None:
    script = recorder.script(lambda: double(3)(recorder))
    assert script is not None
    attempt.send_ahead(script)
    assert run(attempt, module(2), script)[0].tolist() == [0, 3]
    attempt.let_go()
    assert run(attempt, double(2))[0].tolist() == [0, 2]


def test_a_scenario_that_leaves_its_script_has_to_begin_anew(attempt: Attempt, recorder: Recorder) -> None:
    def shows_what_stays(impl: Any) -> Iterator[Any]:
        for shown in total(2, "added")(impl):
            yield shown.fetch() if hasattr(shown, "fetch") else shown

    script = recorder.script(lambda: total(2, "added")(recorder))
    assert script is not None
    attempt.send_ahead(script)
    with pytest.raises(Astray):
        run(attempt, shows_what_stays, script)
    assert run(attempt, total(2))[1].tolist() == [2, 2]


def test_what_could_not_be_made_is_told_as_it_is(attempt: Attempt, recorder: Recorder) -> None:
    def scenario(impl: Any) -> Iterator[Any]:
        made = impl["Scale"](n=-1)
        yield made(x=torch.ones(1))

    script = recorder.script(lambda: scenario(recorder))
    assert script is not None
    attempt.send_ahead(script)
    with pytest.raises(AttemptRaised, match="negative"):
        run(attempt, scenario, script)
    attempt.let_go()
    assert run(attempt, module(2))[0].tolist() == [0, 3]


def test_an_exception_belongs_to_its_own_call(attempt: Attempt, recorder: Recorder) -> None:
    scenarios = [double(2), double(2, "raises"), double(3)]
    scripts = [recorder.script(lambda s=s: s(recorder)) for s in scenarios]  # type: ignore[misc]
    for script in scripts:
        assert script is not None
        attempt.send_ahead(script)
    run(attempt, scenarios[0], scripts[0])
    with pytest.raises(AttemptRaised, match="no"):
        run(attempt, scenarios[1], scripts[1])
    assert run(attempt, scenarios[2], scripts[2])[0].tolist() == [0, 2, 4]


def test_letting_go_takes_what_comes_and_stops_what_does_not(attempt: Attempt, recorder: Recorder) -> None:
    quick, long = (recorder.script(lambda s=s: nap(s)(recorder)) for s in (0.01, 30.0))  # type: ignore[misc]
    assert quick is not None
    assert long is not None
    attempt.send_ahead(quick)
    attempt.let_go()
    assert run(attempt, double(2))[0].tolist() == [0, 2]
    assert run(attempt, lambda impl: iter([impl["calls"]()])) == [[2]]  # the same runner
    attempt.send_ahead(long)
    start = time.monotonic()
    attempt.let_go()
    assert run(attempt, double(2))[0].tolist() == [0, 2]
    assert time.monotonic() - start < 20
    assert run(attempt, lambda impl: iter([impl["calls"]()])) == [[2]]  # another runner


def test_a_call_that_hangs_has_its_time_alone(make: Make, recorder: Recorder) -> None:
    attempt = make(SOURCE, seconds=1)
    attempt.load()
    scripts = [recorder.script(lambda s=s: nap(s)(recorder)) for s in (0.7, 0.8, 9.0)]  # type: ignore[misc]
    for script in scripts:
        assert script is not None
        attempt.send_ahead(script)
    assert run(attempt, nap(0.7), scripts[0]) == [0.7]
    assert run(attempt, nap(0.8), scripts[1]) == [0.8]
    with pytest.raises(AttemptTimeout):
        run(attempt, nap(9.0), scripts[2])
    assert run(attempt, double(1))[0].tolist() == [0]


def test_nothing_is_sent_ahead_of_a_function_that_is_called_back(attempt: Attempt, recorder: Recorder) -> None:
    assert attempt["applied"](f=lambda x: x + 1, x=1) == 2
    script = recorder.script(lambda: double(3)(recorder))
    assert script is not None
    assert not attempt.send_ahead(script)


def test_no_more_is_sent_than_a_runner_takes(attempt: Attempt, recorder: Recorder) -> None:
    several = double(MAX_BYTES // 4 // 2)
    scripts = [recorder.script(lambda: several(recorder)) for _ in range(2)]
    assert scripts[0] is not None
    assert scripts[1] is not None
    assert attempt.send_ahead(scripts[0])
    assert not attempt.send_ahead(scripts[1])
    run(attempt, several, scripts[0])
    assert attempt.send_ahead(scripts[1])
