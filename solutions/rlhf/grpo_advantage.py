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
    if scale not in {"std", "none", "batch"}:
        raise ValueError(f"scale must be std, none or batch, not {scale!r}")
    rewards = rewards.detach()
    # region blank: sums over the group of each response, and how many it has
    _, group = group_ids.unique(return_inverse=True)  # (B,), from 0 on

    def total(x: Tensor) -> Tensor:
        return torch.zeros_like(x).index_add(0, group, x)[group]

    size = total(torch.ones_like(rewards))
    # endregion
    # region blank: rewards about the mean of the group; a group of one has mean 0
    single = size == 1
    centred = rewards - (total(rewards) / size).masked_fill(single, 0.0)
    # endregion
    if scale == "none":
        return centred
    # region blank: divide by the standard deviation asked for; one response has 1
    if scale == "std":
        std = (total(centred.square()) / (size - 1)).sqrt().masked_fill(single, 1.0)
    else:
        std = rewards.std() if len(rewards) > 1 else 1.0
    return centred / (std + eps)
    # endregion
