"""The entropy loss against torch.distributions and verl's own aggregation."""

from __future__ import annotations

import pytest
import torch


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("mode", ["token-mean", "seq-mean-token-sum", "seq-mean-token-mean"])
@pytest.mark.parametrize("chunk_size", [None, 1, 7])
def test_value_and_gradient(solution, library, agree, pulled, mode, chunk_size, dtype):
    verl = library("verl.trainer.ppo.core_algos")
    ours = solution("verl_entropy_loss").compute_entropy_loss
    logits = torch.randn(4, 5, 11, dtype=dtype) * 2
    mask = (torch.rand(4, 5) < 0.7).long()
    scale = 5 * 11 * 10.0 * (1 if dtype is torch.float32 else 1e8)  # verl adds 1e-8 to the numbers of tokens
    by_torch = lambda x: verl.agg_loss(torch.distributions.Categorical(logits=x).entropy(), mask, mode)  # noqa: E731
    found = pulled(lambda x: ours(x, mask, mode, chunk_size), [logits])
    for theirs in (by_torch, lambda x: verl.compute_entropy_loss(x, mask, mode)):
        for mine, other in zip(found, pulled(theirs, [logits]), strict=True):
            agree(mine, other, scale)
