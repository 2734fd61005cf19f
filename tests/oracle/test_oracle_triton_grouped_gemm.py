"""The Triton grouped product against torch's own `grouped_mm`, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. The kernel sums in
float32. Each row is multiplied by torch in float64, and bfloat16 also meets torch's grouped product, which is allowed a
rounding of its own.
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
from triton_grouped_gemm import grouped_gemm
torch.save([grouped_gemm(x, w, offsets, *sizes) for x, w, offsets, sizes in torch.load(sys.argv[1])], sys.argv[1])
"""
SIZES = [  # tokens of each expert, k, n, tiles
    ((1,), 1, 1, (16, 16, 16)),
    ((5, 0, 17, 16, 0, 1), 24, 40, (16, 16, 16)),
    ((0, 0, 33), 16, 24, (32, 16, 16)),
    ((3, 140), 72, 24, ()),
]
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def drawn():
    """All inputs: contiguous, and with every dimension in another place in memory."""
    made = []
    for tokens, k, n, sizes in SIZES:
        offsets = torch.tensor([0, *tokens]).cumsum(0)
        for dtype in DTYPES:
            x, w = torch.randn(sum(tokens), k).to(dtype), torch.randn(len(tokens), n, k).to(dtype)
            made.append((x, w, offsets, sizes))
            made.append((x.T.contiguous().T, w.permute(2, 0, 1).contiguous().permute(1, 2, 0), offsets, sizes))
    return made


def test_values(library, agree, tmp_path):
    library("triton")
    inputs, path = drawn(), tmp_path / "tensors.pt"
    torch.save(inputs, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    for (x, w, offsets, _), ours in zip(inputs, torch.load(path), strict=True):
        units = torch.finfo(torch.float32).eps / torch.finfo(x.dtype).eps
        owner = torch.repeat_interleave(torch.arange(len(w)), offsets.diff())  # the expert of each row
        wide_x, wide_w = x.double(), w.double()[owner]
        right = torch.einsum("ik,ijk->ij", wide_x, wide_w)
        sums = torch.einsum("ik,ijk->ij", wide_x.abs(), wide_w.abs())  # what rounding in float32 is relative to
        scale = right.abs() * 2 + sums * units * x.shape[1] ** 0.5 * 4
        agree(ours, right.to(x.dtype), scale, units=1.0)
        if x.dtype == torch.bfloat16 and x.shape[1] % 8 == 0:
            theirs = F.grouped_mm(x.contiguous(), w.contiguous().mT, offs=offsets[1:].int())
            agree(ours, theirs, scale + sums * units, units=1.0)
