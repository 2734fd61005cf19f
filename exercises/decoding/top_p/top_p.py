# Generated from solutions/decoding/top_p.py; do not edit. thinkllm dev render
"""Nucleus (top-p) sampling, Holtzman et al. 2020 (arXiv:1904.09751), section 3.1.

Dimensions: B batch, V vocabulary.
"""

import torch
from torch import Tensor


def top_p_filter(logits: Tensor, p: float, min_tokens_to_keep: int = 1) -> Tensor:
    """Return the logits with −inf for every token outside the nucleus, the fewest likeliest tokens of mass ≥ p.

    Args:
        logits: (B, V) float32, float16 or bfloat16.
        p: mass to keep, 0 to 1.
        min_tokens_to_keep: size of the smallest nucleus.
    Returns:
        (B, V), dtype of logits.
    """
    raise NotImplementedError("blank 1: top_p_filter")


def sample_top_p(logits: Tensor, p: float, temperature: float, u: Tensor) -> Tensor:
    """Return one token per row, drawn from the nucleus by inverting its distribution function at u.

    Args:
        logits: (B, V) float32, float16 or bfloat16.
        p: mass to keep, 0 to 1, of the distribution at this temperature.
        temperature: divides the logits, in float32; 0, and no other, takes the likeliest token.
        u: (B,) float32 uniforms in [0, 1).
    Returns:
        (B,) int64.
    """
    raise NotImplementedError("blank 2: sample_top_p")
