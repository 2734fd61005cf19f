"""The PPO value loss against torch's own losses and numpy's masked arrays.

Within its bounds a value has torch's `mse_loss`; where the clip makes the error larger, its loss is that of a constant.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

DTYPES = [torch.float32, torch.float64]


def drawn(batch, seq_len, dtype, spread):
    old = torch.randint(-128, 129, (batch, seq_len)).to(dtype) / 64
    values = old + (spread * torch.randn(batch, seq_len)).mul(64).round().to(dtype) / 64
    mask = torch.rand(batch, seq_len) < 0.7
    mask[0, 0] = True
    return values, old, old + torch.randn(batch, seq_len, dtype=dtype), mask


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("batch", "seq_len"), [(1, 1), (3, 9), (4, 65)])
def test_within_the_bounds_it_is_half_the_mean_squared_error(solution, agree, pulled, batch, seq_len, dtype):
    values, old, returns, mask = drawn(batch, seq_len, dtype, 0.3)
    ours = pulled(lambda v: solution("ppo_value_loss").ppo_value_loss(v, old, returns, mask, 100.0)[0], [values])
    theirs = pulled(lambda v: F.mse_loss(v[mask], returns[mask]) / 2, [values])
    for found, right in zip(ours, theirs, strict=True):
        agree(found, right, 8 * right.abs().max())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("clip_eps", [0.1, 0.2, 0.7])
@pytest.mark.parametrize(("batch", "seq_len"), [(1, 1), (3, 9), (4, 65)])
def test_loss_and_clip_fraction(solution, library, agree, batch, seq_len, clip_eps, dtype):
    """numpy clips the step, masks the array and takes the larger of the absolute errors."""
    numpy = library("numpy")
    values, old, returns, mask = drawn(batch, seq_len, dtype, 0.4)
    v, o, r = (numpy.ma.masked_array(x.double().numpy(), mask=~mask.numpy()) for x in (values, old, returns))
    plain, clipped = abs(v - r), abs(o + numpy.clip(v - o, -clip_eps, clip_eps) - r)
    right = (numpy.ma.maximum(plain, clipped) ** 2).mean() / 2
    loss, clip_frac = solution("ppo_value_loss").ppo_value_loss(values, old, returns, mask, clip_eps)
    agree(loss, torch.tensor(float(right), dtype=dtype), 8 * float(right) + 1)
    outside = abs(v - o) > clip_eps
    assert float(clip_frac) == pytest.approx(float((outside & (clipped > plain)).mean()), rel=1e-6)


@pytest.mark.parametrize("clip_eps", [0.1, 0.7])
def test_derivatives(solution, clip_eps):
    values, old, returns, mask = drawn(3, 5, torch.float64, 0.4)
    loss = lambda v: solution("ppo_value_loss").ppo_value_loss(v, old, returns, mask, clip_eps)[0]  # noqa: E731
    assert torch.autograd.gradcheck(loss, values.requires_grad_())
