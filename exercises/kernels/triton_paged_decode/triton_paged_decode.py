# Generated from solutions/kernels/triton_paged_decode.py; do not edit. thinkllm dev render
"""Attention of one new token over a paged cache, each sequence split over several programs, in two Triton kernels.

Sources: Kwon et al. 2023 (arXiv:2309.06180), section 4.1, for the pages; Dao, Haziza, Massa, Sizov 2023
(https://crfm.stanford.edu/2023/10/12/flashdecoding.html) for splitting the keys and merging by log-sum-exp.
Dimensions: B batch, H query heads, G key/value heads, D head size, N splits; W is the power of two that holds D.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def split_kernel(
    q_ptr, k_ptr, v_ptr, table_ptr, lens_ptr, part_ptr, lse_ptr,
    q_batch, q_head, q_col, k_page, k_slot, k_head, k_col, v_page, v_slot, v_head, v_col, max_blocks, scale,
    GROUP: tl.constexpr, ROWS: tl.constexpr, D: tl.constexpr, W: tl.constexpr,
    PAGE: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Attend with all query heads of key head `program_id(0)` to split `program_id(1)` of sequence `program_id(2)`.

    Args:
        q_ptr: (B, H, D); k_ptr, v_ptr: (blocks, PAGE, G, D); with the strides that follow.
        table_ptr: (B, max_blocks), int32; lens_ptr: (B,), int32; both contiguous.
        part_ptr: (B, H, N, D), float32: the output of each split by itself, zeros for an empty one.
        lse_ptr: (B, H, N), float32: the log-sum-exp of its scores, -inf for an empty one.
        GROUP: H // G. ROWS: a power of two that holds it, at least 16, as tl.dot asks.
    """
    raise NotImplementedError("blank 1: split_kernel")


@triton.jit
def merge_kernel(
    part_ptr, lse_ptr, out_ptr, splits, D: tl.constexpr, W: tl.constexpr, SPLITS: tl.constexpr
):  # fmt: skip
    """Merge the splits of head `program_id(0)` of all B · H; SPLITS is a power of two, not below `splits`."""
    raise NotImplementedError("blank 2: merge_kernel")


def paged_decode(
    q: Tensor, k_cache: Tensor, v_cache: Tensor, block_tables: Tensor, context_lens: Tensor, num_splits: int,
    block_k: int = 64,
) -> Tensor:  # fmt: skip
    """Return attention of one query token a sequence over the keys and values that its block table names.

    Args:
        q: (B, H, D), D at most 128; any strides.
        k_cache, v_cache: (blocks, block_size, G, D), G a divisor of H, the dtype of q; any strides.
        block_tables: (B, max_blocks), int32; token t lies in block block_tables[b, t // block_size].
        context_lens: (B,), int32, the tokens of each sequence; may be 0.
        num_splits: over how many programs the keys of a sequence are split.
        block_k: keys of a tile, a power of two, at least 16.
    Returns:
        (B, H, D) in the dtype of q; zeros for a sequence without tokens.
    """
    raise NotImplementedError("blank 3: paged_decode")
