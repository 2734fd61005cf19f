# Generated from solutions/kernels/triton_rope.py; do not edit. thinkllm dev render
"""Rotary position embedding of queries and keys, in place, by one Triton kernel.

Source: Su et al. 2021 (arXiv:2104.09864), section 3.2, in the half-split layout: feature i is paired with i + D / 2.
Dimensions: B batch, H query heads, G key/value heads, S tokens, D head size; one program a token of a sequence.
"""

import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def turn(x_ptr, cos, sin, heads, half, head_stride, dim_stride, HEADS: tl.constexpr, HALF: tl.constexpr):
    """Turn every pair of features of every head of one token, in place.

    Args:
        x_ptr: the first feature of the token's first head.
        cos, sin: (HALF,), float32, the cosine and the sine of each pair's angle.
        heads, half: heads of this tensor, pairs of a head; at most HEADS and HALF.
        head_stride, dim_stride: elements from one head to the next, and from one feature to the next.
        HEADS, HALF: the sides of the tile, powers of two.
    """
    raise NotImplementedError("blank 1: turn")


@triton.jit
def rope_kernel(
    q_ptr,
    k_ptr,
    cos_ptr,
    sin_ptr,
    seq_len,
    half,
    heads,
    kv_heads,
    q_batch_stride,
    q_head_stride,
    q_token_stride,
    q_dim_stride,
    k_batch_stride,
    k_head_stride,
    k_token_stride,
    k_dim_stride,
    cos_token_stride,
    cos_dim_stride,
    sin_token_stride,
    sin_dim_stride,
    BACKWARD: tl.constexpr,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    HALF: tl.constexpr,
):
    """Turn all heads of q and of k at token `program_id(0)` of the B · S tokens.

    Args:
        q_ptr, k_ptr: (B, H, S, D) and (B, G, S, D), any strides; overwritten.
        cos_ptr, sin_ptr: (S, D), any strides; the second half of a row repeats the first.
        seq_len, half, heads, kv_heads: S, D / 2, H, G.
        BACKWARD: turn by the opposite angle.
        HEADS, KV_HEADS, HALF: powers of two, not below H, G and D / 2.
    """
    raise NotImplementedError("blank 2: rope_kernel")


def rope_(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor, backward: bool = False) -> None:
    """Turn q and k in place by the angles of their positions; with `backward`, gradients of the turned q and k back.

    Args:
        q: (B, H, S, D), float32, float16 or bfloat16, any strides; D even.
        k: (B, G, S, D), the dtype of q, any strides.
        cos, sin: (S, D), float32 or the dtype of q.
        backward: q and k hold gradients with respect to the turned q and k, and get those with respect to the others.
    """
    raise NotImplementedError("blank 3: rope_")
