"""The trusted process on the GPU: times the baselines, and checks outputs of the attempt's timed calls."""

from __future__ import annotations

import importlib.util
import os
import socket
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from thinkllm_drill.gpu import facts
from thinkllm_drill.gpu.device import Device, this_device
from thinkllm_drill.gpu.inputs import maker
from thinkllm_drill.gpu.player import SAMPLES, chosen
from thinkllm_drill.gpu.recipe import load
from thinkllm_drill.gpu.stage import Stage
from thinkllm_drill.gpu.verify import wrong
from thinkllm_drill.judge import framing
from thinkllm_drill.judge.wire import Decoder, Encoder

COPY = """
class Inputs(Prepared):
    def inputs(self, rng, *, count):
        return {"source": rng.normal((count,))}
"""
COPY_BYTES = 8
"""Bytes that a copy moves for each number: one is read and one written, in float32."""


class Bench:
    """Serves one judge.

    Args:
        connection: to the judge.
        device: where it measures.
        facts: what it says of the device.
    """

    def __init__(self, connection: socket.socket, device: Device, about: dict[str, Any] | None = None) -> None:
        self._connection = connection
        self._device = device
        self._about = about or {}
        self._stage = Stage(device, self._find)
        self._suite: Any = None
        self._module: types.ModuleType | None = None
        self._liger: Path | None = None

    def serve(self) -> None:
        """Answer until the judge closes the connection."""
        while True:
            try:
                message = Decoder().decode(*framing.receive(self._connection))
            except framing.PeerGone:
                return
            try:
                answer = {"ok": self._answer(message)}
            except Exception as error:
                answer = {"raised": f"{type(error).__name__}: {error}"[:2000]}
                if isinstance(error, torch.OutOfMemoryError):
                    self._device.release()
            self._connection.sendall(framing.pack(*Encoder().encode(answer)))

    def _answer(self, message: dict[str, Any]) -> Any:
        match message["op"]:
            case "facts":
                return self._about
            case "open":
                return self._open(Path(message["grader"]), Path(message["solution"]), message["suite"])
            case "gpu":
                with torch.no_grad():
                    return self._stage.answer(message["question"])
            case "verify":
                return self._verify(message)
        raise ValueError(f"unknown request {message['op']!r}")

    def _open(self, grader: Path, solution: Path, suite: str) -> bool:
        from thinkllm_drill.grading.session import load_module

        module = load_module(grader, "grader_on_device")
        os.environ.pop("TRITON_INTERPRET", None)  # which importing a grader of kernels sets
        self._module = load_module(solution, f"reference_on_device_{solution.stem}")
        kind = getattr(module, suite)
        kind.graded = types.SimpleNamespace(module=self._module)
        self._suite = kind()
        self._liger = grader.with_name(f"{solution.stem}.liger.py")
        return self._liger.exists() and importlib.util.find_spec("liger_kernel") is not None

    def _find(self, who: str) -> Callable[..., Any]:
        match who:
            case "copy":
                return copied
            case "eager":
                return self._suite.expected  # type: ignore[no-any-return]
            case "compile":
                return torch.compile(self._suite.expected, dynamic=False)
            case "reference":
                return getattr(self._module, self._suite.entry)  # type: ignore[no-any-return]
            case "liger":
                from thinkllm_drill.grading.session import load_module

                assert self._liger is not None
                return getattr(load_module(self._liger, "liger_on_device"), self._suite.entry)  # type: ignore[no-any-return]
        return getattr(self._suite, who)  # type: ignore[no-any-return]

    def _verify(self, message: dict[str, Any]) -> str | None:
        make = maker(load(message["recipe"]), message["params"], message["dtype"], self._device.torch_device)
        inputs = make(message["seed"])
        picks = chosen(self._device, message["pick"], SAMPLES)
        mutates = getattr(self._suite, "mutates", ())
        return wrong(self._suite.expected, inputs, message["samples"], picks, message["factor"], mutates)


def copied(source: Tensor) -> Tensor:
    """A copy; reads every byte once and writes it once."""
    return source.clone()


def bench_here(connection: socket.socket) -> Bench:
    """A bench on this process's device."""
    os.environ.pop("TRITON_INTERPRET", None)
    import thinkllm_drill.grading  # noqa: F401

    device = this_device()
    return Bench(connection, device, facts.device_facts())
