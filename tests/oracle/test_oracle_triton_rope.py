"""The Triton RoPE against transformers, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. transformers rounds
each product to the dtype of q, the kernel once at the end; backward is compared with autograd through transformers.
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
from triton_rope import rope_
answers = []
for q, k, cos, sin, *backward in torch.load(sys.argv[1]):
    assert rope_(q, k, cos, sin, *backward) is None
    answers.append((q, k))
torch.save(answers, sys.argv[1])
"""
SIZES = [  # sequences, query heads, key heads, tokens, head_dim
    (1, 1, 1, 1, 2),
    (2, 4, 2, 5, 8),
    (2, 3, 3, 7, 12),
    (1, 6, 1, 3, 80),
]
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def drawn():
    """All inputs: as they are, with heads after tokens in memory, and backward."""
    made = []
    for batch, heads, kv_heads, tokens, head_dim in SIZES:
        for dtype in DTYPES:
            q, k = (
                torch.randn(batch, tokens, count, head_dim).to(dtype).transpose(1, 2) for count in (heads, kv_heads)
            )
            angles = torch.randn(tokens, head_dim // 2).repeat(1, 2) * 100
            cos, sin = angles.cos().to(dtype), angles.sin().to(dtype)
            made.append((q, k, cos, sin))
            made.append((q.clone(memory_format=torch.contiguous_format), k.clone(), cos, sin))
            made.append((q.clone(), k.clone(), cos, sin, True))
    return made


def answered(inputs, folder):
    path = folder / "tensors.pt"
    torch.save(inputs, path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    return torch.load(path)


def test_values_and_gradients(library, agree, tmp_path):
    library("triton")
    llama = library("transformers.models.llama.modeling_llama")
    torch.manual_seed(0)
    inputs = drawn()
    for (q, k, cos, sin, *backward), ours in zip(inputs, answered(inputs, tmp_path), strict=True):
        if backward:
            leaves = [torch.zeros_like(x).requires_grad_() for x in (q, k)]
            right = torch.autograd.grad(llama.apply_rotary_pos_emb(*leaves, cos[None], sin[None]), leaves, (q, k))
        else:
            right = llama.apply_rotary_pos_emb(q, k, cos[None], sin[None])
        for turned, theirs, x in zip(ours, right, (q, k), strict=True):
            pairs = x.double().unflatten(-1, (2, -1)).norm(dim=-2)  # a rotation keeps the length of each pair
            agree(turned, theirs, pairs.repeat(1, 1, 1, 2), units=4.0)
