"""The W4A16 product against torch's matmul of a weight that was never packed, in Triton's interpreter.

Numbers are drawn, packed here by Python integers, and compared with the dense product in fp64. The interpreter has to
be switched on before Triton is imported, so it runs in a process of its own.
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
from triton_int4_dequant_matmul import int4_matmul
torch.save([int4_matmul(*tensors) for tensors in torch.load(sys.argv[1])], sys.argv[1])
"""
SIZES = [(1, 8, 8, 1), (1, 640, 128, 33), (3, 96, 24, 20), (17, 264, 264, 65), (2, 160, 16, 7)]  # m, k, group, n
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def packed(numbers):
    """(k / 8, n) int32 of (k, n) numbers from 0 to 15, the first of eight in the lowest bits."""
    rows = []
    for first in range(0, len(numbers), 8):
        words = [sum(int(q) << (4 * j) for j, q in enumerate(column)) for column in numbers[first : first + 8].T]
        rows.append([word - 2**32 if word >= 2**31 else word for word in words])
    return torch.tensor(rows, dtype=torch.int32)


def test_values(library, agree, tmp_path):
    library("triton")
    inputs, weights = [], []
    for m, k, group, n in SIZES:
        for dtype in DTYPES:
            numbers = torch.randint(0, 16, (k, n))
            scales, zeros = (torch.rand(k // group, n) + 0.5).to(dtype), (torch.rand(k // group, n) * 15).to(dtype)
            inputs.append((torch.randn(m, k).to(dtype), packed(numbers), scales, zeros))
            wide = [each.double().repeat_interleave(group, 0) for each in (scales, zeros)]
            weights.append((numbers - wide[1]) * wide[0])
    path = tmp_path / "tensors.pt"
    torch.save(inputs, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    for (x, *_), weight, ours in zip(inputs, weights, torch.load(path), strict=True):
        agree(ours, torch.matmul(x.double(), weight).to(x.dtype), x.double().abs() @ weight.abs())
