"""The Triton AdamW step against torch.optim.AdamW, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys, torch
from thinkllm_drill.judge import kernels
kernels.interpret()
sys.path.insert(0, "solutions/kernels")
from triton_adamw import adamw_step
calls = torch.load(sys.argv[1])
for params, gradients, moments, squares, copies, hyper in calls:
    for step, grads in enumerate(gradients, 1):
        adamw_step(params, grads, moments, squares, step, copies=copies, **hyper)
torch.save(calls, sys.argv[1])
"""
SHAPES = [[(5,)], [(40,), (3, 7), ()], [(2, 0), (17,), (2, 1, 3)]]
HYPER = [
    {"block": 16},
    {"block": 32, "lr": 0.1, "weight_decay": 0.3, "betas": (0.8, 0.95), "eps": 0.5},
    {"block": 16, "lr": 0.05, "weight_decay": 0.0, "betas": (0.0, 0.9)},
]
STEPS = 4


@pytest.mark.parametrize("half", [torch.float32, torch.bfloat16], ids=str)
def test_steps(half, library, agree, tmp_path):
    library("triton")
    calls, path = [], tmp_path / "tensors.pt"
    for shapes, hyper in zip(SHAPES, HYPER, strict=True):
        params = [torch.randn(shape) for shape in shapes]
        gradients = [[torch.randn(shape).to(half) for shape in shapes] for _ in range(STEPS)]
        state = [[torch.zeros(shape) for shape in shapes] for _ in range(2)]
        calls.append((params, gradients, *state, [torch.empty(shape, dtype=half) for shape in shapes], hyper))
    torch.save(calls, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    for (params, gradients, *_, hyper), (ours, _, moments, squares, copies, _) in zip(
        calls, torch.load(path), strict=True
    ):
        right = [p.double().requires_grad_() for p in params]
        optimizer = torch.optim.AdamW(right, **{key: value for key, value in hyper.items() if key != "block"})
        for grads in gradients:
            for p, grad in zip(right, grads, strict=True):
                p.grad = grad.double()
            optimizer.step()
        reach = STEPS * hyper.get("lr", 1e-3) * 4  # what all steps together may have moved a weight
        for i, p in enumerate(right):
            state = optimizer.state[p]
            largest = max((float(g[i].abs().max()) for g in gradients if g[i].numel()), default=0.0)
            agree(ours[i], p.detach().float(), params[i].abs().double() + reach, units=8.0)
            agree(moments[i], state["exp_avg"].float(), largest)
            agree(squares[i], state["exp_avg_sq"].float(), largest**2)
            assert torch.equal(copies[i], ours[i].to(half))
