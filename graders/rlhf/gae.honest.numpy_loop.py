"""numpy, in place and time first, with a flag for the step after."""

import numpy as np
import torch


def gae(rewards, values, dones, gamma=0.99, lam=0.95):
    r, v, d = (x.detach().cpu().numpy().T for x in (rewards, values, dones))
    print("steps", len(r))
    advantages = np.zeros_like(r)
    last = np.zeros(r.shape[1], dtype=r.dtype)
    for t in range(len(r))[::-1]:
        go_on = np.logical_not(d[t]).astype(r.dtype)
        delta = r[t] + np.float32(gamma) * v[t + 1] * go_on - v[t]
        last = delta + np.float32(gamma * lam) * go_on * last
        advantages[t] = last
    advantages = torch.from_numpy(np.ascontiguousarray(advantages.T)).to(rewards.device)
    return advantages, advantages + values[:, :-1].detach()
