"""The aggregation against verl's own; without any token that counts, where verl gives NaN, there is no comparison."""

from __future__ import annotations

import pytest
import torch

MODES = ["token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", [{}, {"dp_size": 2, "batch_num_tokens": 60, "global_batch_size": 9}], ids=str)
def test_value_and_gradient(solution, library, agree, pulled, mode, options, dtype):
    theirs = library("verl.trainer.ppo.core_algos").agg_loss
    losses = torch.randn(5, 17, dtype=dtype)
    mask = (torch.rand(5, 17) < 0.7).long()
    mask[2] = 0
    ours = solution("verl_agg_loss").agg_loss
    found, right = (pulled(lambda value, f=f: f(value, mask, mode, **options), [losses]) for f in (ours, theirs))
    for mine, other in zip(found, right, strict=True):
        # verl adds 1e-8 to the length of a response
        agree(mine, other, losses.abs().sum().item() * (1 if dtype is torch.float32 else 1e8))
