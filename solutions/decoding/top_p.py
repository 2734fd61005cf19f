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
    # region blank: sort each row by decreasing logit, the smaller id first among equals; probabilities in that order
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    ordered, ids = wide.sort(dim=-1, descending=True, stable=True)
    probs = ordered.softmax(dim=-1)
    # endregion
    # region blank: keep a token as long as those before it hold less than p; respect p = 1 and min_tokens_to_keep
    mass_before = probs.cumsum(dim=-1) - probs
    keep = (mass_before < p) | (p >= 1)  # at p = 1 rounding must not cut the tail
    keep[:, :min_tokens_to_keep] = True
    # endregion
    # region blank: bring the decisions back to the order of the vocabulary and fill the rest with −inf
    keep = torch.empty_like(keep).scatter(-1, ids, keep)
    return logits.masked_fill(~keep, -torch.inf)
    # endregion


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
    # region blank: the greedy limit
    if temperature == 0:
        return logits.argmax(dim=-1)
    # endregion
    # region blank: apply the temperature, then the filter, then normalise what is left
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    probs = top_p_filter(wide / temperature, p).softmax(dim=-1)
    # endregion
    # region blank: the first token, in the order of the vocabulary, whose cumulative probability exceeds u
    cdf = probs.cumsum(dim=-1)  # (B, V)
    target = u.unsqueeze(-1) * cdf[:, -1:]  # below the last entry, whatever rounding made of it
    return (cdf <= target).sum(dim=-1)
    # endregion
