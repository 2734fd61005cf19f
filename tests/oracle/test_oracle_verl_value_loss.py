"""The value loss against verl's own; without any token, where verl gives NaN, there is no comparison."""

from __future__ import annotations

import pytest
import torch


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("mode", ["token-mean", "seq-mean-token-sum", "seq-mean-token-mean"])
@pytest.mark.parametrize("cliprange", [0.1, 0.5])
def test_loss_fraction_and_gradients(solution, library, agree, pulled, mode, cliprange, dtype):
    theirs = library("verl.trainer.ppo.core_algos").compute_value_loss
    ours = solution("verl_value_loss").compute_value_loss
    inputs = [torch.randn(5, 13, dtype=dtype) for _ in range(3)]
    mask = (torch.rand(5, 13) < 0.7).long()
    scale = 13 * 30.0 * (1 if dtype is torch.float32 else 1e8)  # verl adds 1e-8 to the numbers of tokens
    found, right = (pulled(lambda *given, f=f: f(*given, mask, cliprange, mode)[0], inputs) for f in (ours, theirs))
    for mine, other in zip(found, right, strict=True):
        agree(mine, other, scale)
    fractions = [float(f(*inputs, mask, cliprange, mode)[1]) for f in (ours, theirs)]
    assert fractions[0] == pytest.approx(fractions[1], abs=1e-6)
