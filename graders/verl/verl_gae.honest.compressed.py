"""The policy's tokens moved to the left, an ordinary GAE there, and the results spread out again."""

import torch


@torch.no_grad()
def compute_gae_advantage_return(token_level_rewards, values, response_mask, gamma, lam):
    own = response_mask.bool()
    if own.sum() <= 1:
        raise ValueError("at least two tokens are needed")
    rows, width = values.shape
    order = torch.argsort(own.logical_not().to(torch.int8), dim=1, stable=True)
    r, v, m = (torch.gather(x, 1, order) for x in (token_level_rewards, values, own.to(values.dtype)))
    r, v = r * m, v * m
    following = torch.cat([v[:, 1:], v.new_zeros(rows, 1)], dim=1)
    td = (r + gamma * following - v) * m
    acc = td.new_zeros(rows)
    short = torch.zeros_like(td)
    for t in reversed(range(width)):
        acc = td[:, t] + gamma * lam * acc
        short[:, t] = acc
    # the advantage at t is that of the first own token from t on; behind the last one it is 0
    place = own.long().flip(1).cumsum(1).flip(1)  # own tokens from t on
    place = own.sum(1, keepdim=True) - place
    short = torch.cat([short, short.new_zeros(rows, 1)], dim=1)
    adv = torch.gather(short, 1, place)
    returns = adv + values
    mean, std2 = adv[own].mean(), adv[own].var(unbiased=True)
    return (adv - mean) * (std2 + 1e-8) ** -0.5, returns
