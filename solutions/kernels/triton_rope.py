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
    # region blank: load both features of each pair before either is stored, turn them in float32
    head = tl.arange(0, HEADS)[:, None].to(tl.int64)  # head * head_stride may pass 2³¹
    pair = tl.arange(0, HALF)[None, :]
    inside = (head < heads) & (pair < half)
    first_ptr = x_ptr + head * head_stride + pair * dim_stride  # (HEADS, HALF)
    second_ptr = first_ptr + half * dim_stride
    first = tl.load(first_ptr, mask=inside).to(tl.float32)
    second = tl.load(second_ptr, mask=inside).to(tl.float32)
    tl.store(first_ptr, first * cos[None, :] - second * sin[None, :], mask=inside)
    tl.store(second_ptr, second * cos[None, :] + first * sin[None, :], mask=inside)
    # endregion


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
    # region blank: which token of which sequence; its cosines and sines, loaded once for all heads
    program = tl.program_id(0).to(tl.int64)
    batch, token = program // seq_len, program % seq_len
    pair = tl.arange(0, HALF)
    cos = tl.load(cos_ptr + token * cos_token_stride + pair * cos_dim_stride, mask=pair < half).to(tl.float32)
    sin = tl.load(sin_ptr + token * sin_token_stride + pair * sin_dim_stride, mask=pair < half).to(tl.float32)
    if BACKWARD:
        sin = -sin  # the transpose of a rotation is the rotation back
    # endregion
    q_ptr += batch * q_batch_stride + token * q_token_stride
    k_ptr += batch * k_batch_stride + token * k_token_stride
    turn(q_ptr, cos, sin, heads, half, q_head_stride, q_dim_stride, HEADS, HALF)
    turn(k_ptr, cos, sin, kv_heads, half, k_head_stride, k_dim_stride, KV_HEADS, HALF)


def rope_(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor, backward: bool = False) -> None:
    """Turn q and k in place by the angles of their positions; with `backward`, gradients of the turned q and k back.

    Args:
        q: (B, H, S, D), float32, float16 or bfloat16, any strides; D even.
        k: (B, G, S, D), the dtype of q, any strides.
        cos, sin: (S, D), float32 or the dtype of q.
        backward: q and k hold gradients with respect to the turned q and k, and get those with respect to the others.
    """
    # region blank: one program a token, tiles of powers of two
    batch, heads, seq_len, head_dim = q.shape
    kv_heads = k.shape[1]
    rope_kernel[(batch * seq_len,)](
        *(q, k, cos, sin),
        *(seq_len, head_dim // 2, heads, kv_heads),
        *(*q.stride(), *k.stride(), *cos.stride(), *sin.stride()),
        BACKWARD=backward,
        HEADS=triton.next_power_of_2(heads),
        KV_HEADS=triton.next_power_of_2(kv_heads),
        HALF=triton.next_power_of_2(head_dim // 2),
    )
    # endregion
