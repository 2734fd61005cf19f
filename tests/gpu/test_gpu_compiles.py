"""Every reference kernel compiles for a Hopper GPU, at its cases and at the shapes that are timed; no GPU is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GRADERS = sorted((ROOT / "graders/kernels").glob("test_*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("grader", GRADERS, ids=lambda path: path.stem)
def test_the_kernels_of_a_reference_compile(grader: Path, tmp_path: Path) -> None:
    pytest.importorskip("triton")
    name = grader.stem.removeprefix("test_")
    files = [ROOT / f"solutions/kernels/{name}.py", *sorted(grader.parent.glob(f"{name}.slow.*.py"))]
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment |= {"PYTHONPATH": str(ROOT), "TRITON_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-m", "thinkllm_drill.gpu.compiles", str(grader), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=600)
    assert done.stdout, done.stderr[-2000:]
    for line in done.stdout.splitlines():
        told = json.loads(line)
        assert told["problems"] == []
        assert told["kernels"] > 0
