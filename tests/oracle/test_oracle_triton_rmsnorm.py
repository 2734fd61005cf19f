"""Residual add and RMSNorm in Triton against torch's rms_norm and autograd, in the interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. The kernels work in
float32, so there is no gradcheck. Half precision is compared from the rounded sum on, which is what is normalised.
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
from triton_rmsnorm import fused_add_rms_norm
answers = []
for x, residual, weight, grad_out, grad_h, eps, programs in torch.load(sys.argv[1]):
    leaves = [tensor.requires_grad_() for tensor in (x, residual, weight)]
    outputs = fused_add_rms_norm(*leaves, eps, programs)
    grads = torch.autograd.grad(outputs, leaves, (grad_out, grad_h))
    answers.append([tensor.detach() for tensor in (*outputs, *grads)])
torch.save(answers, sys.argv[1])
"""
SIZES = [(1, 1, 1), (3, 5, 2), (7, 33, 3), (20, 16, 256), (4, 200, 1), (2, 1100, 2)]  # rows, columns, programs
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def drawn():
    """All inputs: x, residual, weight, the two gradients, eps, programs."""
    made = []
    for rows, columns, programs in SIZES:
        for dtype in DTYPES:
            for scale, eps in ((1.0, 1e-6), (0.01, 1e-2)):
                x, residual, grad_out, grad_h = (torch.randn(rows, columns).to(dtype) for _ in range(4))
                weight = (1 + 0.5 * torch.randn(columns)).to(dtype)
                made.append((x * scale, residual * scale, weight, grad_out, grad_h, eps, programs))
    x, residual, grad_h = torch.randn(37, 4).T, torch.randn(4, 80)[:, 3:77:2], torch.randn(37, 4).T
    made.append((x, residual, torch.randn(74)[::2], torch.ones(()).expand(4, 37), grad_h, 1e-6, 2))
    return made


def test_values_and_gradients(library, agree, tmp_path):
    library("triton")
    torch.manual_seed(0)
    inputs, path = drawn(), tmp_path / "tensors.pt"
    torch.save(inputs, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    for (x, residual, weight, grad_out, grad_h, eps, _), found in zip(inputs, torch.load(path), strict=True):
        out, h, grad_x, grad_residual, grad_weight = found
        (rows, columns), dtype = x.shape, x.dtype
        assert torch.equal(h, x + residual)
        assert torch.equal(grad_x, grad_residual)
        wide, gain = h.double().requires_grad_(), weight.double().requires_grad_()
        right = F.rms_norm(wide, (columns,), gain, eps)
        pulled, wanted = torch.autograd.grad(right, (wide, gain), grad_out.double())
        # float32 inside: sums of d or of n terms, then one rounding to the dtype
        units = torch.finfo(torch.float32).eps / torch.finfo(dtype).eps
        agree(out, right.detach().to(dtype), right.detach().abs() * (1 + 8 * units * columns**0.5), units=2.0)
        rstd = torch.rsqrt(h.double().square().mean(-1, keepdim=True) + eps)
        unit, through = h.double() * rstd, grad_out.double() * weight.double()
        terms = grad_h.double().abs() + rstd * (
            through.abs() + unit.abs() * (through * unit).abs().mean(-1, keepdim=True)
        )
        scale = (pulled + grad_h.double()).abs() + 8 * units * columns**0.5 * terms
        agree(grad_x, (pulled + grad_h.double()).to(dtype), scale, units=2.0)
        summed = (grad_out.double() * unit).abs().sum(0)
        agree(grad_weight, wanted.to(dtype), wanted.abs() + 8 * units * (rows + columns) ** 0.5 * summed, units=2.0)
