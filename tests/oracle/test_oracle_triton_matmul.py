"""The Triton matrix product against torch, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. The kernel sums in
float32; torch's product of the same numbers is taken in float64.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys, torch
from thinkllm_drill.judge import kernels
kernels.interpret()
sys.path.insert(0, "solutions/kernels")
from triton_matmul import matmul
torch.save([matmul(a, b, *sizes) for a, b, sizes in torch.load(sys.argv[1])], sys.argv[1])
"""
SIZES = [  # m, k, n, tiles and group
    (1, 1, 1, (16, 16, 16, 1)),
    (16, 32, 16, (16, 16, 16, 2)),
    (37, 41, 53, (16, 32, 16, 2)),
    (70, 20, 90, (16, 16, 16, 3)),
    (5, 300, 7, ()),
]
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def drawn():
    """All inputs: contiguous, transposed, strided."""
    made = []
    for m, k, n, sizes in SIZES:
        for dtype in DTYPES:
            a, b = torch.randn(m, k).to(dtype), torch.randn(k, n).to(dtype)
            made += [(a, b, sizes), (a.T.contiguous().T, b.T.contiguous().T, sizes)]
            made.append((torch.randn(2 * m, k + 3).to(dtype)[::2, 3:], b, sizes))
    return made


def test_values(library, agree, tmp_path):
    library("triton")
    inputs, path = drawn(), tmp_path / "tensors.pt"
    torch.save(inputs, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    for (a, b, _), ours in zip(inputs, torch.load(path), strict=True):
        wide_a, wide_b = a.double(), b.double()
        units = torch.finfo(torch.float32).eps / torch.finfo(a.dtype).eps
        sums = wide_a.abs() @ wide_b.abs()  # what rounding in float32 is relative to
        right = wide_a @ wide_b
        agree(ours, right.to(a.dtype), right.abs() * 2 + sums * units * a.shape[1] ** 0.5 * 4, units=1.0)
