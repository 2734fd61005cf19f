"""With products by the mask, a reversed list and masked sums, as verl does it."""

import torch


def _mean(x, mask):
    return (x * mask).sum() / mask.sum()


def compute_gae_advantage_return(token_level_rewards, values, response_mask, gamma, lam):
    with torch.no_grad():
        mask = response_mask.float()
        later_value, later = 0.0, 0.0
        columns = []
        for t in range(values.size(1) - 1, -1, -1):
            m = mask[:, t]
            td = token_level_rewards[:, t] + gamma * later_value - values[:, t]
            here = td + gamma * lam * later
            later_value = values[:, t] * m + (1 - m) * later_value
            later = here * m + (1 - m) * later
            columns.append(later)
        adv = torch.stack(columns[::-1], dim=1)
        returns = adv + values
        n = int(response_mask.sum())
        if n <= 1:
            raise ValueError("whitening needs two tokens")
        mean = _mean(adv, mask)
        var = _mean((adv - mean) ** 2, mask) * n / (n - 1)
        return (adv - mean) / torch.sqrt(var + 1e-8), returns
