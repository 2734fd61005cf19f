"""The process of an attempt on a GPU: answers calls with tensors there, and times them.

It is a runner like any other, but for what it may do: compiling a kernel starts other programs, and CUDA opens devices,
so it is confined to not reading the references. What it loads has been graded in a confined runner before.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from thinkllm_drill.gpu import facts
from thinkllm_drill.gpu.device import Device, this_device
from thinkllm_drill.gpu.inputs import Mover
from thinkllm_drill.gpu.player import NotATensor
from thinkllm_drill.gpu.stage import Stage
from thinkllm_drill.judge import kernels
from thinkllm_drill.judge.runner import Runner


class DeviceRunner(Runner):
    """Serves one attempt on a device.

    Args:
        connection: to the judge.
        device: where it runs.
    """

    def __init__(self, connection: socket.socket, device: Device) -> None:
        super().__init__(connection)
        self._device = device
        self._stage = Stage(device, lambda who: getattr(self._modules[self._current], who))
        self._handlers |= {"gpu": self._gpu, "audit": self._audit}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        arguments = {"args": list(request["args"]), "kwargs": dict(request["kwargs"])}
        there = Mover(self._device.torch_device).there(arguments)
        with _poisoned():
            reply = super()._call(request | there)
        self._device.synchronize()
        for leaf in tree_leaves(reply["ok"]):
            if isinstance(leaf, Tensor) and leaf.device.type != self._device.torch_device.type:
                raise NotATensor(f"Tensor on {leaf.device}")
        return reply

    def _vjp(self, request: dict[str, Any]) -> dict[str, Any]:
        there = Mover(self._device.torch_device).there
        cotangents = {index: there(tensor) for index, tensor in (request["cotangents"] or {}).items()} or None
        with _poisoned():
            reply = super()._vjp(request | {"kwargs": there(dict(request["kwargs"])), "cotangents": cotangents})
        self._device.synchronize()
        return reply

    def _gpu(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ok": self._stage.answer(request["question"])}

    def _audit(self, request: dict[str, Any]) -> dict[str, Any]:
        """How many kernels a call launches, and what torch computes beside them, once what is tuned has been tuned."""
        function = getattr(self._modules[self._current], request["name"])
        first, second = (Mover(self._device.torch_device).there(dict(request["kwargs"])) for _ in range(2))
        function(**first)
        code = getattr(function, "__code__", None)
        watch = kernels._HostWatch(code.co_filename if code else "")
        before = kernels.launches.count
        with watch, kernels._reads_noted(watch):
            function(**second)
        self._device.synchronize()
        return {"ok": {"launches": kernels.launches.count - before, "host": watch.seen}}


def runner_here(connection: socket.socket) -> DeviceRunner:
    """A runner on this process's device; what counts launches is in place."""
    if facts.simulated():
        kernels.interpret()
    else:
        count_launches()
    return DeviceRunner(connection, this_device())


def count_launches() -> None:
    """Count the kernels that are launched in this process from now on."""
    from triton.runtime.jit import JITFunction

    original = JITFunction.run

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("warmup"):
            kernels.launches.count += 1
        return original(self, *args, **kwargs)

    JITFunction.run = run


@contextlib.contextmanager
def _poisoned() -> Iterator[None]:
    """Have `torch.empty` give NaN meanwhile."""
    torch._C._set_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch._C._set_deterministic_algorithms(False, warn_only=False)
