# Generated from solutions/kernels/triton_flash_attention.py; do not edit. thinkllm dev render
"""FlashAttention-2 forward in Triton: one program a tile of queries, an online softmax over tiles of keys.

Source: Dao 2023 (arXiv:2307.08691), section 3.1, algorithm 1; causal tiles as in its paragraph on causal masking.
Dimensions: B batch, H query heads, G key/value heads, T queries, S keys, D head size, W the power of two that holds D.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def attend(
    peak, total, acc, q, k_tile, v_tile, k_step, v_step, first, stop, kv_len, last, inside, scale,
    MASKED: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Fold the keys first … stop − 1 into peak, total and acc of a tile of queries; return them and the next tiles.

    Args:
        peak: (BLOCK_Q,), the largest score so far, times log₂e.
        total: (BLOCK_Q,), the sum of weights relative to it.
        acc: (BLOCK_Q, W), the weighted sum of values relative to it.
        q: (BLOCK_Q, W), zero beyond D.
        k_tile, v_tile: (BLOCK_K, W) pointers to the tile that starts at key `first`.
        k_step, v_step: elements from one key to the next.
        kv_len: S; keys from it on do not exist.
        last: (BLOCK_Q,), the last key that each query may attend to.
        inside: (1, W), which columns are less than D.
        scale: log₂e / √D.
        MASKED: whether some query may not attend to some of these keys.
    """
    raise NotImplementedError("blank 1: attend")


@triton.jit
def attention_kernel(
    q_ptr, k_ptr, v_ptr, out_ptr, lse_ptr,
    q_batch, q_head, q_row, q_col, k_batch, k_head, k_row, k_col, v_batch, v_head, v_row, v_col,
    heads, group, q_len, kv_len, scale,
    D: tl.constexpr, W: tl.constexpr, CAUSAL: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    """Attend with tile `num_programs(0) - 1 - program_id(0)` of the queries of one head, `program_id(1)` of all B · H.

    The tiles go from last to first, because with CAUSAL the last ones take longest.

    Args:
        q_ptr, k_ptr, v_ptr: (B, H, T, D), (B, G, S, D), (B, G, S, D), with the strides that follow.
        out_ptr: (B, H, T, D), contiguous.
        lse_ptr: (B, H, T), contiguous, float32.
        group: H // G.
        scale: log₂e / √D.
    """
    raise NotImplementedError("blank 2: attention_kernel")


def flash_attention(
    q: Tensor, k: Tensor, v: Tensor, is_causal: bool = False, block_q: int = 128, block_k: int = 64
) -> tuple[Tensor, Tensor]:
    """Return attention and the logarithm of its normalisers, in one kernel.

    Args:
        q: (B, H, T, D), D at most 128; any strides.
        k, v: (B, G, S, D), G a divisor of H; query head h attends to key/value head h // (H / G).
        is_causal: forbid attention to later positions; the last query and the last key are one position.
        block_q, block_k: queries and keys of a tile, powers of two, at least 16.
    Returns:
        out: (B, H, T, D) in the dtype of q; zeros for a query without keys.
        lse: (B, H, T), float32, log Σ exp(score) of every query; -inf for a query without keys.
    """
    raise NotImplementedError("blank 3: flash_attention")
