"""A kernel exercise made on the spot."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GRADER = """
import torch
from thinkllm_drill.grading import KernelSuite, case, speed


class TestDouble(KernelSuite):
    entry = "double"
    cases = [case(en="one block", zh="一块", n=16), case(en="two blocks", zh="两块", n=20)]
    speeds = (speed(en="many", zh="许多", bytes=2 * SIZE * N, n=N, dtype="DTYPE", at_least=AT_LEAST, star=STAR),)
    layouts = False

    def inputs(self, rng, *, n):
        return {"x": rng.normal((n,))}

    def expected(self, x):
        return 2 * x
"""
SOLUTION = """
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, 2 * tl.load(x_ptr + at, mask=at < n), mask=at < n)


def double(x):
    out = torch.empty_like(x)
    block = 16 if x.numel() < 64 else 1024
    kernel[(triton.cdiv(x.numel(), block),)](x, out, x.numel(), BLOCK=block)
    return out
"""


@pytest.fixture
def content(tmp_path: Path) -> Callable[..., Path]:
    """Makes a content root with the exercise `double`, timed at so many elements."""

    def make(*, n: int = 4096, dtype: str = "float32", at_least: float = 1e-9, star: float = 1e6) -> Path:
        root = tmp_path / "content"
        for kind in ("exercises", "solutions", "graders"):
            (root / kind / "kernels").mkdir(parents=True)
        shutil.copytree(ROOT / "exercises/kernels/triton_softmax", root / "exercises/kernels/double")
        toml = root / "exercises/kernels/double/exercise.toml"
        lines = [line for line in toml.read_text().splitlines() if not line.startswith(("api", "forbid"))]
        toml.write_text('api = ["double"]\n' + "\n".join(lines))
        (root / "solutions/kernels/double.py").write_text(SOLUTION)
        size = {"float32": 4, "bfloat16": 2}[dtype]
        values = {"SIZE": size, "DTYPE": dtype, "AT_LEAST": at_least, "STAR": star, "N": n}
        grader = GRADER
        for name, value in values.items():
            grader = grader.replace(f"={name}", f"={value}").replace(f"* {name}", f"* {value}")
            grader = grader.replace(f'"{name}"', f'"{value}"')
        (root / "graders/kernels/test_double.py").write_text(grader)
        return root

    return make


@pytest.fixture
def solution() -> str:
    """The reference of `double`."""
    return SOLUTION
