"""What the timing protocol needs of a device, and a CUDA device that gives it.

Everything that is called while something is timed is bound here, before an attempt is loaded.
"""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

SPIN_CYCLES = 400_000
"""Keeps the device busy for about 0.2 ms while the host enqueues a call: launch overhead of the host is not timed."""
HOLD_CYCLES = 50 * SPIN_CYCLES
FALLBACK_L2 = 64 << 20


class Device(Protocol):
    """A device whose work runs in order behind the host's back.

    Attributes:
        torch_device: where tensors live.
        l2_bytes: the size of its last cache.
    """

    torch_device: torch.device
    l2_bytes: int

    def now(self) -> float:
        """The host's clock in seconds."""
        ...

    def event(self) -> Any:
        """A mark that can be put into the device's work."""
        ...

    def record(self, event: Any) -> None:
        """Put a mark behind what has been enqueued."""
        ...

    def elapsed(self, start: Any, end: Any) -> float:
        """Seconds between two marks that have been reached."""
        ...

    def wait(self, event: Any) -> None:
        """Wait until a mark is reached."""
        ...

    def synchronize(self) -> None:
        """Wait until the device has nothing left to do, in any stream."""
        ...

    def flush(self) -> None:
        """Push everything out of the caches, and keep the device busy while the next call is enqueued."""
        ...

    def hold(self) -> None:
        """Keep the device busy while the host enqueues many calls, always for as long."""
        ...

    def take(self, tensor: Tensor, picks: Tensor) -> Tensor:
        """Elements of a tensor as they are behind what has been enqueued; picks are taken modulo its size."""
        ...

    def free_bytes(self) -> int:
        """Memory that can still be had."""
        ...

    def release(self) -> None:
        """Give memory that is not in use back to other processes."""
        ...


class CudaDevice:
    """The CUDA device of this process; makes the context."""

    def __init__(self, index: int = 0) -> None:
        torch.cuda.set_device(index)
        self.torch_device = torch.device("cuda", index)
        properties = torch.cuda.get_device_properties(index)
        self.l2_bytes = int(getattr(properties, "L2_cache_size", 0)) or FALLBACK_L2
        self._cold = torch.empty(2 * self.l2_bytes, dtype=torch.int8, device=self.torch_device)
        self._filled = 0
        self._stream = torch.cuda.current_stream(index)
        self._sleep: Callable[[int], None] = torch.cuda._sleep
        self._synchronize = torch._C._cuda_synchronize
        self._base: Any = torch._C._CudaEventBase
        self._event: Any = torch.cuda.Event
        self._take = torch.take
        self._fill = torch.Tensor.fill_
        self._clock = time.perf_counter
        self._reset = _reset_persisting()

    def now(self) -> float:
        return self._clock()

    def event(self) -> Any:
        return self._event(enable_timing=True)

    def record(self, event: Any) -> None:
        self._base.record(event, self._stream)

    def elapsed(self, start: Any, end: Any) -> float:
        return float(self._base.elapsed_time(start, end)) / 1e3

    def wait(self, event: Any) -> None:
        self._base.synchronize(event)

    def synchronize(self) -> None:
        self._synchronize()

    def flush(self) -> None:
        self._reset()
        self._filled = (self._filled + 1) % 100
        self._fill(self._cold, self._filled)
        self._sleep(SPIN_CYCLES)

    def hold(self) -> None:
        self._sleep(HOLD_CYCLES)

    def take(self, tensor: Tensor, picks: Tensor) -> Tensor:
        return self._take(tensor, picks % tensor.numel())

    def free_bytes(self) -> int:
        free, _ = torch.cuda.mem_get_info()
        return int(free) + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()

    def release(self) -> None:
        torch.cuda.empty_cache()


def this_device() -> Device:
    """The device of this process."""
    from thinkllm_drill.gpu import facts, simulated

    return simulated.HostDevice() if facts.simulated() else CudaDevice()


def _reset_persisting() -> Callable[[], object]:
    """What takes the lines that were asked to stay out of the L2 cache; nothing where the driver has no such call."""
    with contextlib.suppress(OSError, AttributeError):
        call = ctypes.CDLL("libcuda.so.1").cuCtxResetPersistingL2Cache
        call.argtypes = []
        return call
    return lambda: None
