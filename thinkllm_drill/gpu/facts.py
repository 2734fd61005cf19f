"""What is known of the device: whether there is one, what its data sheet says, what its clocks do."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

PEAK_FLOPS: Mapping[str, Mapping[str, float]] = {
    # dense tensor cores, by the data sheets; the first name that the device's name holds
    "H100 PCIe": {"bfloat16": 756e12, "float16": 756e12, "float32": 378e12, "int8": 1513e12},
    "H100 NVL": {"bfloat16": 835e12, "float16": 835e12, "float32": 418e12, "int8": 1671e12},
    "H200": {"bfloat16": 989e12, "float16": 989e12, "float32": 495e12, "int8": 1979e12},
    "H100": {"bfloat16": 989e12, "float16": 989e12, "float32": 495e12, "int8": 1979e12},
    "A100": {"bfloat16": 312e12, "float16": 312e12, "float32": 156e12, "int8": 624e12},
    "L40S": {"bfloat16": 362e12, "float16": 362e12, "float32": 183e12, "int8": 733e12},
    "RTX 4090": {"bfloat16": 165e12, "float16": 330e12, "float32": 83e12, "int8": 660e12},
    "RTX 3090": {"bfloat16": 71e12, "float16": 142e12, "float32": 36e12, "int8": 284e12},
}
SMI = ("clocks.sm", "clocks.max.sm", "temperature.gpu", "power.draw", "clocks_event_reasons.active")
REASONS = {
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
}


def simulated() -> bool:
    """Whether the CPU stands in for a GPU, which tests ask for."""
    return os.environ.get("THINKLLM_GPU") == "simulated"


@cache
def present() -> bool:
    """Whether torch has a CUDA device; makes no context, and none of this process's forks suffer from it."""
    if simulated():
        return True
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    import torch

    return bool(torch.cuda.is_available())


def device_facts() -> dict[str, Any]:
    """Name, memory, processors, last cache, compute capability, bytes a second by the data sheet (None if unknown)."""
    import torch

    if simulated():
        return {"name": "simulated", "memory": 1 << 30, "processors": 1, "capability": "0.0", "l2": 1 << 20}
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    return {
        "name": properties.name,
        "memory": properties.total_memory,
        "processors": properties.multi_processor_count,
        "capability": f"{properties.major}.{properties.minor}",
        "l2": int(getattr(properties, "L2_cache_size", 0)),
        "peak_bandwidth": _peak_bandwidth(properties),
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda,
    }


def _peak_bandwidth(properties: Any) -> float | None:
    """Bytes a second: two transfers a clock on every wire of the bus."""
    clock, width = (int(getattr(properties, name, 0) or 0) for name in ("memory_clock_rate", "memory_bus_width"))
    return 2 * clock * 1e3 * width / 8 or None


def peak_flops(name: str, dtype: str) -> float | None:
    """Operations a second by the data sheet, None for a device that is not in our table."""
    row = next((row for known, row in PEAK_FLOPS.items() if known in name), None)
    return row.get(dtype) if row else None


@dataclass(frozen=True)
class Clocks:
    """What the clocks do: MHz, °C, W, and the reasons why they are held back."""

    now: int
    most: int
    temperature: int
    power: float
    held: tuple[str, ...]


def clocks() -> Clocks | None:
    """The clock state as nvidia-smi tells it, None where it does not."""
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        command = ["nvidia-smi", f"--query-gpu={','.join(SMI)}", "--format=csv,noheader,nounits"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return parsed(done.stdout.splitlines()[0])
    return None


def parsed(line: str) -> Clocks:
    """The clock state in a line of nvidia-smi's; ValueError where it is no such line."""
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != len(SMI):
        raise ValueError(line)
    now, most, temperature, power, reasons = fields
    bits = int(reasons, 16)
    held = tuple(name for bit, name in REASONS.items() if bits & bit)
    return Clocks(int(now), int(most), int(temperature), float(power), held)
