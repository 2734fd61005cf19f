"""The two processes on the GPU as the judge holds them: the attempt's, and that of the baselines."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from thinkllm_drill.folders import cache_dir
from thinkllm_drill.gpu.stage import Asked
from thinkllm_drill.judge.failures import ContractBroken, GradeFailure
from thinkllm_drill.judge.launch import SpawnLauncher
from thinkllm_drill.judge.limits import Limits
from thinkllm_drill.judge.link import Capture, Link
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.judge.wire import Decoder, Encoder
from thinkllm_drill.locale import text

LIMITS = Limits(call_seconds=300.0, verdict_seconds=900.0, memory_bytes=32 << 30)
"""Compiling takes its time, and CUDA maps what it will."""


class BenchFailed(RuntimeError):
    """The process of the baselines could not do what it was asked: a baseline that does not fit into memory."""


def launcher(role: str, hidden: Sequence[Path] = ()) -> SpawnLauncher:
    """What starts a process on the GPU.

    Args:
        role: "attempt" or "bench".
        hidden: folders that it must not read.
    """
    command = [sys.executable, "-P", "-m", "thinkllm_drill.gpu.worker", role, *map(str, hidden), "--"]
    environment = dict(os.environ)
    environment.pop("TRITON_INTERPRET", None)
    if role == "bench":  # what is compiled for it is kept
        for name in ("TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"):
            environment.setdefault(name, str(cache_dir() / "gpu" / name.lower()))
    return SpawnLauncher(LIMITS.memory_bytes, spares=0, command=command, environment=environment)


class DeviceAttempt(Attempt):
    """A learner's file on the GPU."""

    def _load(self) -> None:
        self._kernels = False  # they are compiled
        super()._load()

    def player(self, name: str) -> Asked:
        """A function of the attempt as one who can be timed."""
        self.load()
        return Asked(self._question, name)

    def audit(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """How many kernels a call launches, and what torch computes beside them."""
        self.load()
        return dict(self._ask({"op": "audit", "name": name, "kwargs": dict(inputs)}, dict))

    def _question(self, question: dict[str, Any]) -> Any:
        return self._ask({"op": "gpu", "question": question})

    def _raise_if_failed(self, failure: Any, hits: Any) -> None:
        if failure is not None and failure.type_name == "NotATensor":
            raise ContractBroken(text("gpu.output", what=failure.text))
        super()._raise_if_failed(failure, hits)


class BenchProcess:
    """The trusted process; see `bench.Bench`.

    Args:
        starter: what starts it.
    """

    def __init__(self, starter: Any, interrupted: Callable[[], None] | None = None) -> None:
        self._capture = Capture()
        self._link = Link(starter, LIMITS, self._capture, interrupted)

    def facts(self) -> dict[str, Any]:
        """What the device is; see `facts.device_facts`."""
        return dict(self._ask({"op": "facts"}))

    def open(self, grader: Path, solution: Path, suite: str) -> bool:
        """Load a grader and its reference; whether there is a peer from Liger-Kernel that can run here."""
        message = {"op": "open", "grader": str(grader), "solution": str(solution), "suite": suite}
        return bool(self._ask(message))

    def player(self, name: str) -> Asked:
        """A baseline as one who can be timed."""
        return Asked(lambda question: self._ask({"op": "gpu", "question": question}), name)

    def verify(self, **question: Any) -> str | None:
        """What is wrong with samples of an output; see `verify.wrong`."""
        found = self._ask({"op": "verify", **question})
        return None if found is None else str(found)

    def leave(self) -> None:
        """Let go of the memory of all players."""
        self._ask({"op": "gpu", "question": {"do": "leave"}})

    def close(self) -> None:
        """End it."""
        self._link.close()

    def _ask(self, message: dict[str, Any]) -> Any:
        try:
            tree, blob = self._link.exchange(*Encoder().encode(message), LIMITS.call_seconds)
        except GradeFailure as failure:  # not the attempt's fault
            raise BenchFailed(f"{failure.cause.message}\n{self._capture.text()[-2000:]}") from None
        answer = Decoder().decode(tree, blob)
        if "raised" in answer:
            raise BenchFailed(answer["raised"])
        return answer["ok"]


@contextlib.contextmanager
def alone(patience: float = 1800.0) -> Iterator[None]:
    """Nobody else of ours uses the GPU meanwhile."""
    import fcntl

    folder = cache_dir() / "gpu"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BenchFailed("another check holds the GPU") from None
                time.sleep(0.05)
        yield
