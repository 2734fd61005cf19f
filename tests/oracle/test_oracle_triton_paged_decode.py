"""The Triton paged decode against torch's own attention over dense keys, in Triton's interpreter as the runner uses it.

The interpreter has to be switched on before Triton is imported, so it runs in a process of its own. Blocks are handed
out by a loop over tokens, as an allocator does, and torch attends to one sequence at a time.
"""

from __future__ import annotations

import os
import random
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
from triton_paged_decode import paged_decode
torch.save([paged_decode(*tensors, **given) for tensors, given in torch.load(sys.argv[1])], sys.argv[1])
"""
SIZES = [  # lengths, heads, key heads, head size, block size, splits, block_k
    ((1,), 1, 1, 1, 1, 1, 16),
    ((21, 0, 40), 4, 2, 24, 8, 3, 16),
    ((130,), 5, 1, 128, 12, 2, 32),
    ((17, 18, 3), 3, 3, 16, 16, 4, 64),
]
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def drawn(lengths, heads, key_heads, size, page, dtype):
    """A query and, of each sequence, keys and values; the same, paged."""
    q = torch.randn(len(lengths), heads, size).to(dtype)
    dense = [torch.randn(2, key_heads, length, size).to(dtype) for length in lengths]
    blocks = 3 + sum(-(-length // page) for length in lengths)
    free = random.Random(page).sample(range(blocks), blocks)
    cache = torch.full((2, blocks, page, key_heads, size), torch.nan, dtype=dtype)
    tables = torch.full((len(lengths), max(lengths) // page + 2), -7, dtype=torch.int32)
    for row, pair in enumerate(dense):
        for token in range(pair.shape[2]):
            if token % page == 0:
                tables[row, token // page] = free.pop()
            cache[:, tables[row, token // page], token % page] = pair[:, :, token]
    return (q, cache[0], cache[1], tables, torch.tensor(lengths, dtype=torch.int32)), dense


def test_values(library, agree, tmp_path):
    library("triton")
    cases = []
    for lengths, heads, key_heads, size, page, splits, block_k in SIZES:
        for dtype in DTYPES:
            tensors, dense = drawn(lengths, heads, key_heads, size, page, dtype)
            cases.append(((tensors, {"num_splits": splits, "block_k": block_k}), dense))
    path = tmp_path / "tensors.pt"
    torch.save([given for given, _ in cases], path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, env=environment, check=True, timeout=300)
    attend = torch.nn.functional.scaled_dot_product_attention
    for ((tensors, _), dense), out in zip(cases, torch.load(path), strict=True):
        assert out.dtype == tensors[0].dtype
        for query, pair, found in zip(tensors[0].double(), dense, out, strict=True):
            k, v = pair.double()
            if not k.shape[1]:
                assert not found.any()
                continue
            right = attend(query[None, :, None], k[None], v[None], enable_gqa=True)[0, :, 0]
            # in half precision weights are rounded before they meet the values, then the sum is rounded
            scale = attend(query[None, :, None], k[None], v[None].abs(), enable_gqa=True)[0, :, 0]
            agree(found, right.to(found.dtype), 4 * scale)
