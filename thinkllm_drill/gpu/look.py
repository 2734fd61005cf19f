"""Looks at the device in a process of its own, `python -m thinkllm_drill.gpu.look`: what it is, what a copy takes."""

from __future__ import annotations

import json
import statistics
from typing import Any

COPY_BYTES = 1 << 30
SMALL_BYTES = 1 << 22
"""Of the stand-in."""


def look() -> dict[str, Any]:
    """The facts of the device, with the bandwidth of a copy in bytes a second."""
    from thinkllm_drill.gpu import bench, facts
    from thinkllm_drill.gpu.device import this_device
    from thinkllm_drill.gpu.inputs import maker
    from thinkllm_drill.gpu.player import Player
    from thinkllm_drill.gpu.recipe import load

    device = this_device()
    size = min(COPY_BYTES, max(device.free_bytes() // 8, SMALL_BYTES))
    if facts.simulated():
        size = SMALL_BYTES
    make = maker(load(bench.COPY), {"count": size // bench.COPY_BYTES}, "float32", device.torch_device)
    player = Player(device, bench.copied, make, samples=1)
    player.warm_up(range(10))
    block = player.block(range(100, 116), range(16))
    return facts.device_facts() | {"bandwidth": size / statistics.median(block.seconds)}


if __name__ == "__main__":
    print(json.dumps(look()))
