"""The Triton softmax against torch, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. The kernel works in
float32 and has no gradient.
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
from triton_softmax import softmax
answers = [softmax(x, *block) for x, block in torch.load(sys.argv[1])]
torch.save(answers, sys.argv[1])
"""
SIZES = [  # rows, columns, block
    (1, 1, 16),
    (3, 5, 16),
    (2, 16, 16),
    (2, 33, 32),
    (3, 200, 16),
    (2, 37, None),
    (1, 4099, 128),
]
DTYPES = [torch.float32, torch.float16, torch.bfloat16]
SCALES = [1.0, 30.0, 1e4]


def drawn():
    """All inputs, by what they are."""
    made = {}
    for rows, columns, block in SIZES:
        given = () if block is None else (block,)
        for dtype in DTYPES:
            for scale in SCALES:
                x = (torch.randn(rows, columns) * scale).to(dtype)
                made[f"{rows} x {columns}, block {block}, {dtype}, {scale:g}"] = (x, given)
    x = torch.randn(4, 37)
    made["transposed"] = (torch.randn(37, 4).T, (16,))
    made["a slice"] = (torch.randn(4, 80)[::2, 3:70:2], (16,))
    made["expanded"] = (torch.randn(1, 37).expand(4, 37), (16,))
    for name, place in (("some", slice(None, None, 3)), ("first block", slice(16)), ("last block", slice(32, None))):
        banned = x.clone()
        banned[:, place] = -torch.inf
        made[f"banned: {name}"] = (banned, (16,))
    banned = x.clone()
    banned[1:3] = -torch.inf
    made["banned: two rows"] = (banned, (16,))
    return made


def answered(folder):
    torch.manual_seed(0)
    inputs, path = drawn(), folder / "tensors.pt"
    torch.save(list(inputs.values()), path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    return {name: (x, answer) for (name, (x, _)), answer in zip(inputs.items(), torch.load(path), strict=True)}


def test_values(library, agree, tmp_path):
    library("triton")
    for x, ours in answered(tmp_path).values():
        right = torch.softmax(x.float(), -1)
        # exp of an argument that is rounded by u · |x − max|, in float32; then one rounding to the dtype, on each side
        distance = (x.float().amax(-1, keepdim=True) - x.float()).nan_to_num(0.0, 0.0).double()
        units = torch.finfo(torch.float32).eps / torch.finfo(x.dtype).eps
        agree(ours, right.to(x.dtype), right.double() * (2 + 8 * units * (1 + distance)), units=1.0)
