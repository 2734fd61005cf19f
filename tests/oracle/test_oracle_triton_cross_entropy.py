"""The Triton cross-entropy against torch's own and its autograd, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. Where all rows are
ignored torch gives NaN and the exercise 0, so that case is left out.
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
from triton_cross_entropy import cross_entropy, cross_entropy_backward
calls = torch.load(sys.argv[1])
losses = []
for logits, target, ignore_index, factor in calls:
    losses.append(cross_entropy(logits, target, ignore_index, block=16))
    cross_entropy_backward(factor, logits, block=16)
torch.save([(loss, call[0]) for loss, call in zip(losses, calls)], sys.argv[1])
"""
SIZES = [(1, 1), (3, 16), (2, 41), (18, 5)]
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def test_loss_and_gradient(library, agree, tmp_path):
    library("triton")
    calls, path = [], tmp_path / "tensors.pt"
    for n, vocab in SIZES:
        for dtype in DTYPES:
            for scale in (1.0, 30.0):
                target = torch.randint(vocab, (n,))
                if n > 2:
                    target[1] = -100
                calls.append(((torch.randn(n, vocab) * scale).to(dtype), target, -100, torch.tensor(0.75)))
    padded = torch.randn(3, 50)
    calls.append((padded[:, :37], torch.tensor([36, 2, 0]), 2, torch.tensor(1.0)))
    torch.save(calls, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    for (logits, target, ignore_index, factor), (loss, grad) in zip(calls, torch.load(path), strict=True):
        wide = logits.double().requires_grad_()
        right = F.cross_entropy(wide, target, ignore_index=ignore_index)
        (expected,) = torch.autograd.grad(right, wide, factor.double())
        reach = float(logits.abs().max()) + 1  # logits are subtracted, and exp carries the error of their difference on
        right, expected = right.detach(), expected.detach()
        agree(loss, right.float(), reach + right.abs())
        own, single = torch.finfo(grad.dtype).eps, torch.finfo(torch.float32).eps
        agree(grad, expected.to(grad.dtype), 2 * expected.abs() + 2 * single / own * reach, units=4.0)
