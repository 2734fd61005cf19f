"""The Triton layer normalization and its gradients against torch's own, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own.
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
from triton_layernorm import layer_norm, layer_norm_backward
answers = []
for x, weight, bias, grad, programs in torch.load(sys.argv[1]):
    out, mean, rstd = layer_norm(x, weight, bias, 1e-3)
    answers.append((out, mean, rstd, *layer_norm_backward(grad, x, weight, mean, rstd, programs)))
torch.save(answers, sys.argv[1])
"""
SIZES = [(1, 16, 1), (3, 5, 2), (5, 37, 2), (70, 4, 70), (4, 33, 528), (2, 1100, 2)]  # rows, features, programs
DTYPES = [torch.float32, torch.float16, torch.bfloat16]
NAMES = ("out", "mean", "rstd", "grad_x", "grad_weight", "grad_bias")


def drawn():
    """The arguments of each call."""
    for n, d, programs in SIZES:
        for dtype in DTYPES:
            x, grad = torch.randn(n, d), torch.randn(n, d)
            yield *(value.to(dtype) for value in (x, torch.randn(d), torch.randn(d), grad)), programs
    x, grad = torch.randn(37, 4).T, torch.ones(1, 1).expand(4, 37)
    yield x, torch.randn(74)[::2], torch.randn(37), grad, 2


def right(x, weight, bias, grad):
    """What torch makes of it in float64."""
    x, weight, bias = (value.double().requires_grad_() for value in (x, weight, bias))
    out, mean, rstd = torch.native_layer_norm(x, weight.shape, weight, bias, 1e-3)
    out.backward(grad.double())
    return out.detach(), mean.detach().flatten(), rstd.detach().flatten(), x.grad, weight.grad, bias.grad


def test_values(library, tmp_path):
    library("triton")
    torch.manual_seed(0)
    inputs, path = list(drawn()), tmp_path / "tensors.pt"
    torch.save(inputs, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    for (*given, _), answers in zip(inputs, torch.load(path), strict=True):
        for name, ours, true in zip(NAMES, answers, right(*given), strict=True):
            assert ours.dtype == (torch.float32 if name in ("mean", "rstd") else given[0].dtype)
            eps = torch.finfo(ours.dtype).eps  # one rounding of the result, and those of float32 on the way
            torch.testing.assert_close(
                ours.double(), true, rtol=eps, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}"
            )
