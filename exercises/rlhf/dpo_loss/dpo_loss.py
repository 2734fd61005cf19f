# Generated from solutions/rlhf/dpo_loss.py; do not edit. thinkllm dev render
"""Direct preference optimization, Rafailov et al. 2023 (arXiv:2305.18290), section 4, equation 7.

Label smoothing as in conservative DPO: Mitchell 2023, https://ericmitchell.ai/cdpo.pdf, equation 3.
Dimensions: B batch, T sequence, V vocabulary.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def sequence_logps(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Return the log-probability of each response: the sum over its tokens.

    Args:
        logits: (B, T, V); position t predicts the token at t + 1.
        labels: (B, T) int64, the tokens that the model read; may be -100 where mask is False.
        mask: (B, T) bool, True at the tokens of the response.
    Returns:
        (B,), float32 or wider.
    """
    raise NotImplementedError("blank 1: sequence_logps")


def dpo_loss(
    policy_chosen_logps: Tensor,
    policy_rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the DPO loss and the implicit rewards of both responses.

    Args:
        policy_chosen_logps, policy_rejected_logps: (B,), summed log-probabilities under the policy.
        ref_chosen_logps, ref_rejected_logps: (B,), the same under the frozen reference model.
        beta: strength of the KL penalty that DPO stands for.
        label_smoothing: probability that a preference label is wrong.
    Returns:
        loss: (), mean over the batch; gradients reach the policy alone.
        chosen_rewards, rejected_rewards: (B,), without gradient.
    """
    raise NotImplementedError("blank 2: dpo_loss")
