"""A device with a scripted clock: the protocol can be run, and cheated, where there is no GPU.

The host's time passes by `spend`, the device's by `work`, in order within a stream. What work writes is written when
its time has come, so that whoever looks too early sees what was there before.
"""

from __future__ import annotations

import heapq
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

MAIN = "main"


@dataclass
class Mark:
    """An event; `at` is when it is reached."""

    at: float = 0.0


class SimulatedDevice:
    """A `Device` without one.

    Args:
        noise: the relative spread of the time that work takes.
        memory: bytes that can be had.
    """

    def __init__(self, *, noise: float = 0.0, seed: int = 0, memory: int = 1 << 30, l2_bytes: int = 1 << 20) -> None:
        self.torch_device = torch.device("cpu")
        self.l2_bytes = l2_bytes
        self.memory = memory
        self.noise = noise
        self.forged = 1.0
        self.eager_synchronize = False
        self.flushes = 0
        self.random = random.Random(seed)
        self.clock = 0.0
        self._ends: dict[str, float] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    # what an attempt does

    def spend(self, seconds: float) -> None:
        """The host is busy for so long."""
        self.clock += seconds

    def work(self, seconds: float, then: Callable[[], None] | None = None, stream: str = MAIN) -> None:
        """Enqueue work; `then` is what it writes."""
        if self.noise:
            seconds *= 1 + self.noise * self.random.uniform(-1, 1)
        end = max(self.clock, self._ends.get(stream, 0.0)) + seconds
        self._ends[stream] = end
        if then is not None:
            self.later(end, then)

    def later(self, at: float, then: Callable[[], None]) -> None:
        """Something is written at a time on the clock."""
        heapq.heappush(self._due, (at, next(self._numbers), then))

    # Device

    def now(self) -> float:
        return self.clock

    def event(self) -> Mark:
        return Mark()

    def record(self, event: Mark) -> None:
        event.at = max(self.clock, self._ends.get(MAIN, 0.0))

    def elapsed(self, start: Mark, end: Mark) -> float:
        return (end.at - start.at) * self.forged

    def wait(self, event: Mark) -> None:
        self._until(event.at)

    def synchronize(self) -> None:
        if not self.eager_synchronize:
            self._until(max(self._ends.values(), default=0.0))
        self.clock += 5e-6

    def flush(self) -> None:
        self.flushes += 1
        self.work(3e-4)

    def hold(self) -> None:
        self._ends[MAIN] = max(self.clock, self._ends.get(MAIN, 0.0)) + 1e-2

    def take(self, tensor: Tensor, picks: Tensor) -> Tensor:
        at = max(self.clock, self._ends.get(MAIN, 0.0))
        self._write(at)
        self._until(at)
        return torch.take(tensor, picks % tensor.numel())

    def free_bytes(self) -> int:
        return self.memory

    def release(self) -> None:
        """Nothing is kept."""

    def _until(self, at: float) -> None:
        self.clock = max(self.clock, at)
        self._write(self.clock)

    def _write(self, at: float) -> None:
        while self._due and self._due[0][0] <= at + 1e-12:
            heapq.heappop(self._due)[2]()


class HostDevice:
    """The CPU as a device whose work is done when the call returns: the whole way of a check without a GPU."""

    def __init__(self) -> None:
        self.torch_device = torch.device("cpu")
        self.l2_bytes = 1 << 20

    def now(self) -> float:
        return time.perf_counter()

    def event(self) -> Mark:
        return Mark()

    def record(self, event: Mark) -> None:
        event.at = time.perf_counter()

    def elapsed(self, start: Mark, end: Mark) -> float:
        return end.at - start.at

    def wait(self, event: Mark) -> None:
        """It is reached."""

    def synchronize(self) -> None:
        """It is done."""

    def flush(self) -> None:
        """Caches stay as they are."""

    def hold(self) -> None:
        """There is no queue to fill."""

    def take(self, tensor: Tensor, picks: Tensor) -> Tensor:
        return torch.take(tensor, picks % tensor.numel())

    def free_bytes(self) -> int:
        return 1 << 28

    def release(self) -> None:
        """Nothing is kept."""
