"""The KL estimates against verl's own, values and gradients of every name."""

from __future__ import annotations

import pytest
import torch

NAMES = ["kl", "k1", "abs", "mse", "k2", "low_var_kl", "k3"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", [*NAMES, *(f"{name}+" for name in NAMES)])
@pytest.mark.parametrize("spread", [0.5, 30.0])
def test_value_and_gradients(solution, library, agree, pulled, name, spread, dtype):
    theirs = library("verl.trainer.ppo.core_algos").kl_penalty
    ours = solution("verl_kl_penalty").kl_penalty
    ref = -torch.rand(4, 9, dtype=dtype) * 5
    inputs = [ref + spread * torch.randn(4, 9, dtype=dtype), ref]
    scale = 10 + (inputs[0] - ref).abs() + (ref - inputs[0]).clamp(max=20).exp() + (inputs[0] - ref).square()
    for mine, other in zip(*(pulled(lambda a, b, f=f: f(a, b, name), inputs) for f in (ours, theirs)), strict=True):
        agree(mine, other, scale)
