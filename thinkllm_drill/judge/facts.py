"""Facts about the machine for `thinkllm doctor`; what needs torch is asked in a child process."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from thinkllm_drill.gpu.facts import Clocks, clocks
from thinkllm_drill.judge import daemon
from thinkllm_drill.locale import text

_PROBE = """
import json, sys
facts = {}
try:
    import torch
    facts["torch"] = torch.__version__
    import os
    simulated = "simulated" if os.environ.get("THINKLLM_GPU") == "simulated" else None
    facts["cuda"] = torch.cuda.get_device_name(0) if torch.cuda.is_available() else simulated
except BaseException as error:
    facts["torch_error"] = f"{type(error).__name__}: {error}"
print(json.dumps(facts))
"""


@dataclass(frozen=True)
class Fact:
    """One line of the doctor's report; `ok` is None for what is neither good nor bad."""

    name: str
    ok: bool | None
    value: str
    advice: str | None = None


def facts() -> list[Fact]:
    """What the grading processes find on this machine."""
    probed = _probe()
    return [
        Fact("python", sys.version_info >= (3, 11), f"{platform.python_version()} ({sys.executable})"),
        _torch(probed),
        _version("numpy"),
        *_gpu(probed),
        _triton(),
        _processes(),
        _memory_limit(),
        *_kernel_walls(),
        _service(),
    ]


def _probe() -> dict[str, object]:
    try:
        done = subprocess.run([sys.executable, "-P", "-c", _PROBE], capture_output=True, text=True, timeout=120)
        return dict(json.loads(done.stdout))
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"torch_error": str(error)}


def _torch(probed: dict[str, object]) -> Fact:
    if "torch" in probed:
        return Fact("torch", True, str(probed["torch"]))
    return Fact("torch", False, str(probed.get("torch_error")), text("grading.fact.install", name="torch"))


def _version(name: str) -> Fact:
    try:
        return Fact(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Fact(name, False, text("grading.fact.missing"), text("grading.fact.install", name=name))


def _gpu(probed: dict[str, object]) -> list[Fact]:
    """The device, what a copy on it was measured to take, and what its clocks do."""
    device = probed.get("cuda")
    if not device:
        return [Fact("gpu", None, text("gpu.doctor.none"))]
    try:
        command = [sys.executable, "-P", "-m", "thinkllm_drill.gpu.look"]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [Fact("gpu", False, f"{device}: {error}")]
    try:
        return device_rows(json.loads(done.stdout), clocks())
    except (ValueError, KeyError):
        return [Fact("gpu", False, f"{device}: {done.stderr.strip().split(chr(10))[-1]}")]


def device_rows(about: Mapping[str, Any], state: Clocks | None) -> list[Fact]:
    """The rows of a device: what it is, its bandwidth, its clocks."""
    memory, measured = f"{about['memory'] / 2**30:.0f}", f"{about['bandwidth'] / 1e12:.2f}"
    said: dict[str, Any] = {name: about[name] for name in ("name", "processors", "capability")}
    rows = [Fact("gpu", True, text("gpu.doctor.device", memory=memory, **said))]
    if peak := about.get("peak_bandwidth"):
        value = text("gpu.doctor.bandwidth", measured=measured, peak=f"{peak / 1e12:.2f}")
    else:
        value = text("gpu.doctor.bandwidth_alone", measured=measured)
    rows.append(Fact("gpu bandwidth", True, value))
    if state is None:
        return [*rows, Fact("gpu clocks", None, text("gpu.doctor.no_clocks"))]
    held = text("gpu.doctor.held", reasons=", ".join(state.held)) if state.held else text("gpu.doctor.free")
    shown: dict[str, Any] = {
        "now": state.now,
        "most": state.most,
        "temperature": state.temperature,
        "power": f"{state.power:.0f}",
    }
    advice = text("gpu.doctor.held_advice") if state.held else None
    return [
        *rows,
        Fact("gpu clocks", None if state.held else True, text("gpu.doctor.clocks", state=held, **shown), advice),
    ]


def _triton() -> Fact:
    if importlib.util.find_spec("triton") is None:
        return Fact("triton", None, text("grading.fact.missing"), text("grading.fact.triton"))
    return Fact("triton", True, metadata.version("triton"))


def _processes() -> Fact:
    forks = sys.platform == "linux"
    return Fact("processes", True, text("grading.fact.fork" if forks else "grading.fact.spawn"))


def _memory_limit() -> Fact:
    if sys.platform == "linux":
        return Fact("memory limit", True, text("grading.fact.memory"))
    return Fact("memory limit", None, text("grading.fact.no_memory"))


def _kernel_walls() -> list[Fact]:
    """What confines a runner beside its own process, folder and limits."""
    from thinkllm_drill.judge import landlock, sandbox

    files, calls = sandbox.walls()
    shown = {"landlock": f"Landlock v{landlock.version()}" if files else "–", "seccomp": "seccomp" if calls else "–"}
    advice = None if files and calls else text("grading.fact.no_walls")
    return [Fact("sandbox", True if files and calls else None, text("grading.fact.walls", **shown), advice)]


def _service() -> Fact:
    status = daemon.service_status()
    if not status.running:
        return Fact("service", None, text("grading.fact.service_off"))
    memory = f", {status.resident_bytes >> 20} MiB" if status.resident_bytes else ""
    return Fact("service", True, text("grading.fact.service_on", pid=status.pid) + memory)
