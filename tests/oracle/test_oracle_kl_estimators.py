"""The KL estimators against torch's own KL divergence of two categorical distributions, by enumeration.

Each token of a small vocabulary is weighted by its probability: k1 and k3 then sum up to the divergence, and near the
reference all three have its value. k3 is compared token by token, too, with numpy in extended precision and scipy.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("vocab", [2, 6, 100])
def test_expectations(solution, agree, vocab, dtype):
    estimate = solution("kl_estimators").kl_estimate
    policy, reference = (Categorical(logits=torch.randn(7, vocab, dtype=dtype)) for _ in range(2))
    right = kl_divergence(policy, reference)
    scale = (policy.probs * (policy.logits - reference.logits).abs()).sum(-1) + 2
    for kind in ("k1", "k3"):
        agree((policy.probs * estimate(policy.logits, reference.logits, kind)).sum(-1), right, scale * math.sqrt(vocab))


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_all_agree_to_second_order(solution, kind):
    """At a distance h from the reference KL is of the order h², and what k2 is wrong by of the order h³."""
    logits = torch.randn(5, dtype=torch.float64)
    policy, reference = Categorical(logits=logits + 1e-4 * torch.randn(5)), Categorical(logits=logits)
    found = (policy.probs * solution("kl_estimators").kl_estimate(policy.logits, reference.logits, kind)).sum()
    torch.testing.assert_close(found, kl_divergence(policy, reference), rtol=1e-3, atol=0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("spread", [1e-6, 1e-3, 0.5, 5.0])
def test_k3_token_by_token(solution, library, agree, spread, dtype):
    """scipy's kl_div(1, r) is −log r − 1 + r, made for what cancels; the gradient is 1 − r."""
    special, numpy = library("scipy.special"), library("numpy")
    log_prob = -torch.rand(40, dtype=dtype) * 4
    reference = log_prob + spread * torch.randn(40, dtype=dtype)
    policy = log_prob.clone().requires_grad_()
    found = solution("kl_estimators").kl_estimate(policy, reference, "k3")
    gap = (reference.double() - log_prob.double()).numpy().astype(numpy.longdouble)
    right = torch.from_numpy((numpy.expm1(gap) - gap).astype(numpy.float64))
    coarse = torch.from_numpy(special.kl_div(numpy.ones(40), numpy.exp(gap.astype(numpy.float64))))
    torch.testing.assert_close(right, coarse, rtol=1e-3, atol=1e-15)
    agree(found, right.to(dtype), right + torch.from_numpy(abs(gap).astype(numpy.float64)))
    (gradient,) = torch.autograd.grad(found.sum(), policy)
    agree(gradient, torch.from_numpy((-numpy.expm1(gap)).astype(numpy.float64)).to(dtype), right + 1)


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_derivatives(solution, kind):
    log_prob, reference = torch.randn(2, 6, dtype=torch.float64)
    estimate = solution("kl_estimators").kl_estimate
    assert torch.autograd.gradcheck(lambda value: estimate(value, reference, kind), log_prob.requires_grad_())
