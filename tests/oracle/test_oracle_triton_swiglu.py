"""The fused SwiGLU gate against torch's silu and autograd, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. The kernels work in
float32, so there is no gradcheck.
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
from triton_swiglu import swiglu
answers = []
for gate, up, grad, *block in torch.load(sys.argv[1]):
    gate, up = gate.requires_grad_(), up.requires_grad_()
    out = swiglu(gate, up, *block)
    answers.append([out.detach(), *torch.autograd.grad(out, (gate, up), grad)])
torch.save(answers, sys.argv[1])
"""
SIZES = [(1, 1, 16), (3, 5, 16), (2, 33, 32), (4, 200, 64), (2, 1100, None)]  # rows, columns, block
DTYPES = [torch.float32, torch.float16, torch.bfloat16]
SCALES = [0.01, 1.0, 20.0]


def drawn():
    """All inputs: gate, up, the gradient of the output, and the block where one is given."""
    made = []
    for rows, columns, block in SIZES:
        for dtype in DTYPES:
            for scale in SCALES:
                gate, up, grad = (torch.randn(rows, columns).to(dtype) for _ in range(3))
                made.append((gate * scale, up, grad, *([] if block is None else [block])))
    gate, up = torch.randn(4, 74).chunk(2, dim=1)
    made.append((gate, up, torch.ones(()).expand(4, 37), 16))
    made.append((torch.randn(37, 4).T, torch.randn(4, 80)[:, 3:77:2], torch.randn(37, 4).T, 16))
    return made


def test_values_and_gradients(library, agree, tmp_path):
    library("triton")
    torch.manual_seed(0)
    inputs, path = drawn(), tmp_path / "tensors.pt"
    torch.save(inputs, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    for (gate, up, grad, *_), (ours, grad_gate, grad_up) in zip(inputs, torch.load(path), strict=True):
        leaves = [gate.double().requires_grad_(), up.double().requires_grad_()]
        right = F.silu(leaves[0]) * leaves[1]
        wanted = torch.autograd.grad(right, leaves, grad.double())
        # float32 throughout: exp has an argument of |gate|, two terms of the derivative may cancel; then one rounding
        units = torch.finfo(torch.float32).eps / torch.finfo(gate.dtype).eps
        slack = 8 * units * (1 + gate.double().abs())
        agree(ours, right.detach().to(gate.dtype), right.abs() * (1 + slack), units=2.0)
        s = torch.sigmoid(gate.double())
        terms = (grad.double() * up.double()).abs() * (s + (gate.double() * s * (1 - s)).abs())
        agree(grad_gate, wanted[0].to(gate.dtype), wanted[0].abs() + slack * terms, units=2.0)
        agree(grad_up, wanted[1].to(gate.dtype), wanted[1].abs() * (1 + slack), units=2.0)
