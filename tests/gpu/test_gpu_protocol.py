"""The timing protocol on a simulated device: what honest kernels get, and that each way to cheat is found out."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from thinkllm_drill.gpu.player import Block, NotATensor, Player, chosen
from thinkllm_drill.gpu.protocol import Game, Measurement, Plan
from thinkllm_drill.gpu.ruling import figures_of, slow, told
from thinkllm_drill.gpu.simulated import SimulatedDevice
from thinkllm_drill.grading.speed import speed

COPY = 2e-4
SHAPE = speed(en="rows", zh="行", bytes=1 << 20, n=4)
Device = SimulatedDevice
Call = Callable[..., Any]


def make(seed: int) -> dict[str, Tensor]:
    return {"x": torch.randn(64, generator=torch.Generator().manual_seed(seed))}


def kernel(device: Device, seconds: float, host: float = 2e-5, stream: str = "main") -> Call:
    """A right answer that takes the device so long."""

    def call(x: Tensor) -> Tensor:
        out = torch.full_like(x, 7.0)
        device.spend(host)
        device.work(seconds, lambda: out.copy_(2 * x), stream)
        return out

    return call


def played(device: Device, call: Call, *, plan: Plan | None = None, floor: float | None = None) -> Measurement:
    def player(function: Call) -> Player:
        return Player(device, function, make, samples=16)

    def verify(seed: int, pick: int, found: list[Tensor]) -> str | None:
        right = 2 * torch.take(make(seed)["x"], chosen(device, pick, 16) % 64)
        return None if len(found) == 1 and torch.equal(found[0], right) else "other numbers"

    others = {"eager": player(kernel(device, 6e-4)), "compile": player(kernel(device, 2.2e-4))}
    draw = random.Random(device.random.getrandbits(30))
    limit = player(kernel(device, COPY))
    game = Game(player(call), limit, others, verify=verify, now=device.now, draw=draw, floor=floor)
    return game.play(plan or Plan(threshold=SHAPE.at_least))


def outcome(measured: Measurement) -> str:
    return figures_of(SHAPE, measured, device="simulated").outcome


@pytest.mark.parametrize(
    ("seconds", "says"), [(COPY / 0.95, "star"), (COPY / 0.7, "passed"), (COPY / 0.5, "slow"), (30 * COPY, "slow")]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_kernel_is_judged_by_its_share_of_the_copy(seconds: float, says: str, seed: int) -> None:
    device = Device(noise=0.02, seed=seed)
    measured = played(device, kernel(device, seconds))
    assert outcome(measured) == says
    assert measured.share.low <= COPY / seconds * 1.01
    assert measured.share.high >= COPY / seconds * 0.99
    assert measured.share.half_width <= 0.02


def test_what_is_told_of_a_pass_and_of_a_slow_kernel() -> None:
    device = Device(noise=0.01)
    figures = figures_of(SHAPE, played(device, kernel(device, COPY / 0.7)), device="simulated")
    assert told(figures).startswith("70 % of this GPU's copy bandwidth (")
    assert "2.10× as fast as eager, 0.77× as fast as torch.compile" in told(figures)
    late = figures_of(SHAPE, played(device, kernel(device, 2 * COPY)), device="simulated", launches=3)
    words = slow(late)
    assert words.startswith("rows: 60 % of this GPU's copy bandwidth is asked for; yours reaches ")
    assert "3 launches" in words
    assert "2.0 times the fewest bytes" in words
    assert "torch.compile is 1.8 times as fast" in words


def test_at_the_threshold_nothing_is_decided() -> None:
    device = Device(noise=0.3)
    measured = played(device, kernel(device, COPY / 0.6), plan=Plan(seconds=0.2, threshold=0.6))
    assert outcome(measured) == "close"


def test_more_rounds_are_played_near_the_threshold() -> None:
    far, near = Device(noise=0.1), Device(noise=0.1)
    rounds = [played(device, kernel(device, COPY / share)).rounds for device, share in ((far, 0.9), (near, 0.605))]
    assert rounds[0] < rounds[1]


def test_a_noisy_device_is_measured_longer_but_not_for_ever() -> None:
    device = Device(noise=0.9)
    measured = played(device, kernel(device, COPY), plan=Plan(seconds=0.3))
    assert 5 <= measured.rounds <= 40


def test_the_number_of_calls_does_not_come_from_the_attempt() -> None:
    device = Device()
    assert played(device, kernel(device, COPY)).calls == played(device, kernel(device, 20 * COPY)).calls


def test_caches_are_flushed_before_every_call() -> None:
    device = Device()
    player = Player(device, kernel(device, COPY), make, samples=4)
    player.block([1, 2, 3], [4, 5, 6])
    assert device.flushes == 3


def test_host_time_that_hides_behind_the_device_costs_nothing() -> None:
    device = Device()
    measured = played(device, kernel(device, COPY / 0.9, host=1e-4))
    assert measured.share.value == pytest.approx(0.9, rel=0.02)


def test_a_host_that_is_slower_than_the_device_is_not_suspect() -> None:
    device = Device()
    measured = played(device, kernel(device, COPY / 0.9, host=2.5e-4))
    assert measured.suspect is None
    assert measured.slope == pytest.approx(COPY / 0.9, rel=0.05)


# the ways to cheat


def test_an_answer_kept_by_address_is_wrong() -> None:
    device, kept = Device(), {}

    def call(x: Tensor) -> Tensor:
        device.spend(1e-5)
        if "out" not in kept:
            kept["out"] = 2 * x
        return kept["out"].clone()

    assert outcome(played(device, call)) == "wrong"


def test_an_answer_kept_by_contents_is_of_no_use() -> None:
    device, kept = Device(), {}

    def call(x: Tensor) -> Tensor:
        key = x[:4].sum().item()
        if key not in kept:
            kept[key] = kernel(device, 2 * COPY)(x)
        return kept[key]

    assert outcome(played(device, call)) == "slow"


def test_doing_nothing_is_wrong() -> None:
    device = Device()
    assert outcome(played(device, torch.empty_like)) == "wrong"


def test_part_of_the_work_is_wrong() -> None:
    device = Device()

    def call(x: Tensor) -> Tensor:
        out = x.clone()
        device.work(COPY / 2, lambda: out[:32].copy_(2 * x[:32]))
        return out

    assert outcome(played(device, call)) == "wrong"


def test_work_in_another_stream_is_suspect_or_wrong() -> None:
    device = Device()

    def waits_for_nothing(x: Tensor) -> Tensor:
        out = 2 * x  # right at once, though the work goes on
        device.work(3 * COPY, stream="side")
        device.work(COPY)
        return out

    measured = played(device, waits_for_nothing)
    assert outcome(measured) == "suspect"
    assert measured.suspect == "side-stream"
    assert outcome(played(Device(), kernel(device, 3 * COPY, stream="side"))) == "wrong"


def test_a_thread_that_writes_later_is_wrong() -> None:
    device = Device()

    def call(x: Tensor) -> Tensor:
        out = torch.empty_like(x)
        device.work(COPY)
        device.later(device.now() + 2e-3, lambda: out.copy_(2 * x))
        return out

    assert outcome(played(device, call)) == "wrong"


class Lazy(Tensor):
    """A tensor that would compute when it is looked at."""


@pytest.mark.parametrize("lazy", [lambda x: (2 * x).as_subclass(Lazy), lambda x: [2.0], lambda x: (2 * x).to("meta")])
def test_a_lazy_output_is_refused(lazy: Call) -> None:
    device = Device()
    with pytest.raises(NotATensor):
        played(device, lazy)


class Steady:
    """The limit, in a process of its own, whose events nobody forges."""

    def warm_up(self, seeds: Sequence[int]) -> float:
        return 0.0

    def block(self, seeds: Sequence[int], picks: Sequence[int]) -> Block:
        return Block(tuple(COPY for _ in seeds), ())


@pytest.mark.parametrize("forged", [0.0, 0.5, 0.7, 2.0, math.nan])
def test_forged_events_are_found_by_the_judges_clock(forged: float) -> None:
    device = Device(noise=0.01)
    device.forged = forged
    player = Player(device, kernel(device, COPY), make, samples=16)
    game = Game(player, Steady(), {}, verify=lambda *_: None, now=device.now, draw=random.Random(1), floor=1e-6)
    assert game.play(Plan()).suspect == "slope"


def test_a_synchronize_that_does_not_wait_changes_nothing() -> None:
    device = Device()
    honest = kernel(device, 3 * COPY)

    def call(x: Tensor) -> Tensor:
        device.eager_synchronize = True
        return honest(x)

    assert outcome(played(device, call)) == "slow"


def test_faster_than_the_device_is_suspect() -> None:
    device = Device()
    measured = played(device, kernel(device, COPY / 2))
    assert measured.suspect == "roofline"
    assert played(device, kernel(device, COPY), floor=1.2 * COPY).suspect == "roofline"


def test_a_slow_kernel_that_is_fast_where_it_is_clocked_is_suspect() -> None:
    device = Device()
    count = 0

    def call(x: Tensor) -> Tensor:
        nonlocal count
        count += 1
        flushed, call.flushes = device.flushes > call.flushes, device.flushes  # type: ignore[attr-defined]
        return kernel(device, COPY if flushed else 4 * COPY)(x)

    call.flushes = 0  # type: ignore[attr-defined]
    assert played(device, call).suspect == "slope"


def test_prepared_inputs_fit_into_memory() -> None:
    device = Device(memory=2 * 10 * 256)
    player = Player(device, kernel(device, COPY), make, samples=4)
    assert player.prepare(range(1000)) == 10
