"""The Triton FlashAttention against torch's own attention, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. torch aligns a
causal mask to the first key, so it is given as a mask here; queries without keys are left to the grader.
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
from triton_flash_attention import flash_attention
answers = [flash_attention(*tensors, **given) for tensors, given in torch.load(sys.argv[1])]
torch.save(answers, sys.argv[1])
"""
SIZES = [  # batch, heads, key heads, queries, keys, head size, causal, block_q, block_k
    (1, 1, 1, 1, 1, 1, False, 16, 16),
    (1, 2, 1, 21, 37, 24, False, 16, 16),
    (2, 4, 2, 18, 18, 16, True, 16, 32),
    (1, 1, 1, 20, 51, 40, True, 32, 16),
    (1, 3, 3, 5, 70, 128, True, 128, 64),
]
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def drawn():
    """All inputs, by what they are."""
    made = {}
    for batch, heads, key_heads, queries, keys, size, is_causal, block_q, block_k in SIZES:
        given = {"is_causal": is_causal, "block_q": block_q, "block_k": block_k}
        for dtype in DTYPES:
            q = torch.randn(batch, heads, queries, size).to(dtype)
            k, v = torch.randn(2, batch, key_heads, keys, size).to(dtype).unbind(0)
            made[f"{queries} x {keys}, head size {size}, {dtype}"] = ((q, k, v), given)
    q, k, v = torch.randn(3, 1, 17, 2, 16).transpose(2, 3).unbind(0)
    made["views"] = ((q.mT, k.mT, v.mT), {"block_q": 16, "block_k": 16})
    return made


def test_values(library, agree, tmp_path):
    library("triton")
    inputs, path = drawn(), tmp_path / "tensors.pt"
    torch.save(list(inputs.values()), path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    for (tensors, given), (out, lse) in zip(inputs.values(), torch.load(path), strict=True):
        q, k, v = (tensor.double() for tensor in tensors)
        mask = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool)
        if given.get("is_causal"):
            mask = mask.tril(k.shape[-2] - q.shape[-2])
        attend = torch.nn.functional.scaled_dot_product_attention
        right = attend(q, k, v, attn_mask=mask, enable_gqa=True)
        # in half precision weights are rounded before they meet the values, then the sum is rounded
        scale = attend(q, k, v.abs(), attn_mask=mask, enable_gqa=True)
        agree(out, right.to(out.dtype), 4 * scale)
        keys = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
        scores = (q @ keys.mT / q.shape[-1] ** 0.5).masked_fill(~mask, -torch.inf)
        agree(lse, torch.logsumexp(scores, -1).float(), 4 + scores.masked_fill(~mask, 0.0).abs().amax(-1))
