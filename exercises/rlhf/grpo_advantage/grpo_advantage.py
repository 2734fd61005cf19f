# Generated from solutions/rlhf/grpo_advantage.py; do not edit. thinkllm dev render
"""Group-relative advantages of GRPO, Shao et al. 2024 (arXiv:2402.03300), section 4.1.2; groups of one as in verl.

Dimensions: B responses.
"""

import torch
from torch import Tensor


def grpo_advantages(rewards: Tensor, group_ids: Tensor, eps: float = 1e-6, scale: str = "std") -> Tensor:
    """Return how much better each response is than its group.

    Args:
        rewards: (B,).
        group_ids: (B,) int64; equal numbers are one group.
        eps: added to the standard deviation.
        scale: what to divide by: "std" of the group, "none", or the standard deviation of the "batch".
    Returns:
        (B,), without gradient.
    Raises:
        ValueError: the scale is another one.
    """
    raise NotImplementedError("blank 1: grpo_advantages")
