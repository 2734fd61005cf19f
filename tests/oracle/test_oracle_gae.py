"""GAE against scipy's linear filter, which discounts the TD errors of one episode at a time."""

from __future__ import annotations

import pytest
import torch

DTYPES = [torch.float32, torch.float64]


def episodes(dones):
    """First and last step of each episode of a row, and whether it ended."""
    first = 0
    for last, done in enumerate(dones.tolist()):
        if done or last == len(dones) - 1:
            yield first, last + 1, done
            first = last + 1


def filtered(signal, rewards, values, dones, gamma, lam):
    """The advantages in fp64: each episode is run backwards through y[n] = x[n] + γλ · y[n − 1]."""
    rewards, values = rewards.double().numpy(), values.double().numpy()
    advantages = torch.empty(dones.shape, dtype=torch.float64)
    for row in range(len(dones)):
        for start, stop, done in episodes(dones[row]):
            following = values[row, start + 1 : stop + 1].copy()
            if done:
                following[-1] = 0.0
            deltas = rewards[row, start:stop] + gamma * following - values[row, start:stop]
            backwards = signal.lfilter([1.0], [1.0, -gamma * lam], deltas[::-1])
            advantages[row, start:stop] = torch.from_numpy(backwards[::-1].copy())
    return advantages


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("gamma", "lam"), [(0.99, 0.95), (1.0, 1.0), (0.9, 0.0), (0.5, 0.9)])
@pytest.mark.parametrize(("batch", "seq_len", "ends"), [(1, 1, 0.0), (3, 9, 0.0), (4, 17, 0.3), (2, 200, 0.02)])
def test_advantages_and_returns(solution, library, agree, conditioning, batch, seq_len, ends, gamma, lam, dtype):
    signal = library("scipy.signal")
    rewards, values = torch.randn(batch, seq_len, dtype=dtype), torch.randn(batch, seq_len + 1, dtype=dtype)
    dones = torch.rand(batch, seq_len) < ends
    ours = solution("gae").gae(rewards, values, dones, gamma, lam)
    right = filtered(signal, rewards, values, dones, gamma, lam)
    scales = conditioning(lambda r, v: solution("gae").gae(r, v, dones, gamma, lam), [rewards, values])
    for found, wanted, scale in zip(ours, (right, right + values[:, :-1].double()), scales, strict=True):
        agree(found, wanted.to(dtype), scale)


def test_no_gradient(solution):
    rewards, values = torch.randn(2, 5, requires_grad=True), torch.randn(2, 6, requires_grad=True)
    outputs = solution("gae").gae(rewards, values, torch.zeros(2, 5, dtype=torch.bool))
    assert not any(output.requires_grad for output in outputs)
