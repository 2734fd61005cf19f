"""The policy loss against verl's own; without any token, where verl gives NaN, there is no comparison."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch


def verl_loss(verl, *tensors, mode, low, high, c, weights):
    """verl's loss with its settings in an object that it reads."""
    settings = {"clip_ratio_c": c}
    config = SimpleNamespace(
        clip_ratio=0.2, clip_ratio_low=low, clip_ratio_high=high, get=settings.get, global_batch_info={}
    )
    return verl.compute_policy_loss_vanilla(*tensors, mode, config, weights)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("mode", ["token-mean", "seq-mean-token-sum", "seq-mean-token-mean"])
@pytest.mark.parametrize(("low", "high", "c"), [(None, None, 3.0), (0.1, 0.4, 1.5)])
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_metrics_and_gradients(solution, library, agree, pulled, mode, low, high, c, weighted, dtype):
    verl = library("verl.trainer.ppo.core_algos")
    ours = solution("verl_policy_loss").compute_policy_loss_vanilla
    old = -torch.rand(5, 13, dtype=dtype) * 3
    inputs = [old, old + torch.randn(5, 13, dtype=dtype), torch.randn(5, 13, dtype=dtype)]
    mask = (torch.rand(5, 13) < 0.7).long()
    weights = torch.rand(5, 13, dtype=dtype) * 2 if weighted else None
    mine = lambda *given: ours(  # noqa: E731
        *given, mask, mode, clip_ratio_low=low, clip_ratio_high=high, clip_ratio_c=c, rollout_is_weights=weights
    )
    theirs = lambda *given: verl_loss(  # noqa: E731
        verl, *given, mask, mode=mode, low=low, high=high, c=c, weights=weights
    )
    scale = 13 * 200.0 * (1 if dtype is torch.float32 else 1e8)  # verl adds 1e-8 to the numbers of tokens
    found, right = (pulled(lambda *given, f=f: f(*given)[0], inputs) for f in (mine, theirs))
    for one, other in zip(found, right, strict=True):
        agree(one, other, scale)
    assert mine(*inputs)[1] == pytest.approx(theirs(*inputs)[1], abs=1e-6)
