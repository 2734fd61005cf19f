"""verl's generalized advantage estimation against verl's own, holes in the mask included."""

from __future__ import annotations

import pytest
import torch


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.5), (1.0, 1.0), (0.99, 0.0)])
@pytest.mark.parametrize(("batch", "length"), [(2, 1), (3, 8), (5, 40)])
def test_advantages_and_returns(solution, library, agree, conditioning, batch, length, gamma, lam, dtype):
    theirs = library("verl.trainer.ppo.core_algos").compute_gae_advantage_return
    ours = solution("verl_gae").compute_gae_advantage_return
    rewards, values = torch.randn(batch, length, dtype=dtype), torch.randn(batch, length, dtype=dtype)
    mask = (torch.rand(batch, length) < 0.7).long()
    mask[:2, 0] = 1
    run = lambda r, v: ours(r, v, mask, gamma, lam)  # noqa: E731
    right = theirs(rewards, values, mask, gamma, lam)
    for mine, other, scale in zip(run(rewards, values), right, conditioning(run, [rewards, values]), strict=True):
        # verl adds 1e-8 to the number of tokens
        agree(mine, other, scale if dtype is torch.float32 else scale * 1e8, units=16.0)
