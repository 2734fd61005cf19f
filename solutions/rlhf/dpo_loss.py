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
    # region blank: bring predictions, tokens and mask into line
    logits, labels, mask = logits[:, :-1], labels[:, 1:], mask[:, 1:]  # (B, T - 1, …)
    # endregion
    # region blank: the log-probability of every token, in float32 or wider
    logprobs = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=-1)
    index = labels.masked_fill(~mask, 0).unsqueeze(-1)  # -100 is no index
    token_logps = logprobs.gather(-1, index).squeeze(-1)  # (B, T - 1)
    # endregion
    # region blank: add up the tokens of the response, and nothing else
    return token_logps.masked_fill(~mask, 0.0).sum(dim=-1)
    # endregion


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
    # region blank: the implicit reward of each response
    chosen_rewards = beta * (policy_chosen_logps - ref_chosen_logps.detach())
    rejected_rewards = beta * (policy_rejected_logps - ref_rejected_logps.detach())
    # endregion
    # region blank: negative log-likelihood that the chosen response wins, its label smoothed
    margins = chosen_rewards - rejected_rewards
    losses = -(1 - label_smoothing) * F.logsigmoid(margins) - label_smoothing * F.logsigmoid(-margins)
    # endregion
    # region blank: the mean loss, and rewards to log
    return losses.mean(), chosen_rewards.detach(), rejected_rewards.detach()
    # endregion
