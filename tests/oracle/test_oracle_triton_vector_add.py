"""The fused bias and GELU against torch's GELU, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. The kernel works in
float32 and has no gradient.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys, torch
from thinkllm_drill.judge import kernels
kernels.interpret()
sys.path.insert(0, "solutions/kernels")
from triton_vector_add import bias_gelu
torch.save([bias_gelu(*given) for given in torch.load(sys.argv[1])], sys.argv[1])
"""
SIZES = [  # rows, columns, block
    (1, 1, 16),
    (3, 5, 16),
    (7, 7, 16),
    (2, 33, 32),
    (5, 200, 64),
    (2, 1100, None),
]
DTYPES = [torch.float32, torch.float16, torch.bfloat16]
SCALES = [0.01, 1.0, 30.0, 3000.0]


def drawn():
    """All inputs, by what they are."""
    made = {}
    for rows, columns, block in SIZES:
        given = () if block is None else (block,)
        for dtype in DTYPES:
            for scale in SCALES:
                x, bias = (torch.randn(rows, columns) * scale).to(dtype), torch.randn(columns).to(dtype)
                made[f"{rows} x {columns}, block {block}, {dtype}, {scale:g}"] = (x, bias, *given)
    made["transposed"] = (torch.randn(37, 4).T, torch.randn(37), 16)
    made["slices"] = (torch.randn(4, 80)[::2, 3:70:2], torch.randn(68)[::2], 16)
    made["expanded"] = (torch.randn(1, 37).expand(4, 37), torch.randn(1).expand(37), 16)
    return made


def answered(folder):
    torch.manual_seed(0)
    inputs, path = drawn(), folder / "tensors.pt"
    torch.save(list(inputs.values()), path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    return [(*given[:2], answer) for given, answer in zip(inputs.values(), torch.load(path), strict=True)]


def test_values(library, agree, tmp_path):
    library("triton")
    for x, bias, ours in answered(tmp_path):
        z = x.double() + bias.double()
        right = F.gelu(z, approximate="tanh")
        # the sum is rounded in float32 (its slope is at most 1.13), so is the argument of exp; then one rounding each
        units = torch.finfo(torch.float32).eps / torch.finfo(x.dtype).eps
        exponent = 1.6 * (z.abs() + 0.045 * z.abs() ** 3)
        scale = right.abs() * (1 + 8 * units * (1 + exponent)) + 4 * units * (x.double().abs() + bias.double().abs())
        agree(ours, right.to(x.dtype), scale, units=2.0)
