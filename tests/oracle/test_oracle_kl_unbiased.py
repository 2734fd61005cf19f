"""The unbiased KL estimates against torch's exact KL divergence, by enumeration, and against trl's loss off policy.

Tokens of a small vocabulary, each weighted by how likely it is to be sampled: the sum of the estimates is then the
divergence of torch.distributions, and its gradient by the logits is what autograd makes of that.
"""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
DTYPES = [torch.float32, torch.float64]


def expected(unbiased_kl, logits, old, ref, mode):
    """The expectation over the sampling policy, one token at a time, in the graph of the logits."""
    log_prob = logits.log_softmax(-1)
    weights = (log_prob if old is None else old).detach().exp()
    one = torch.ones(1, 1, dtype=torch.bool)

    def of(token):
        sampled = None if old is None else old[None, token : token + 1]
        return unbiased_kl(log_prob[None, token : token + 1], sampled, ref[None, token : token + 1], one, mode)

    return sum(weights[token] * of(token) for token in range(len(logits)))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("vocab", [2, 6, 20])
@pytest.mark.parametrize("mode", ["value", "grad_on_policy", "grad_off_policy"])
def test_expectations(solution, agree, mode, vocab, dtype):
    unbiased_kl = solution("kl_unbiased").unbiased_kl
    logits, other, reference = torch.randn(3, vocab, dtype=dtype)
    old = other.log_softmax(-1) if mode == "grad_off_policy" else None
    logits.requires_grad_()
    right = kl_divergence(Categorical(logits=logits), Categorical(logits=reference))
    found = expected(unbiased_kl, logits, old, reference.log_softmax(-1), mode)
    agree(found, right, 20.0)
    if mode != "value":
        for ours, theirs in zip(*(torch.autograd.grad(value, logits) for value in (found, right)), strict=True):
            agree(ours, theirs, 20.0)


def test_the_gradient_of_k3_is_another_divergences(solution):
    """What the exercise is about: differentiating k3 descends KL(reference || policy)."""
    estimate = solution("kl_estimators").kl_estimate
    logits, reference = torch.randn(2, 6, dtype=torch.float64)
    logits.requires_grad_()
    log_prob = logits.log_softmax(-1)
    weights = log_prob.detach().exp()
    (found,) = torch.autograd.grad((weights * estimate(log_prob, reference.log_softmax(-1), "k3")).sum(), logits)
    reverse = kl_divergence(Categorical(logits=reference), Categorical(logits=logits))
    torch.testing.assert_close(found, torch.autograd.grad(reverse, logits)[0])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("batch", "seq_len"), [(1, 2), (3, 9), (4, 65)])
def test_off_policy_against_trl(solution, library, agree, conditioning, pulled, batch, seq_len, dtype):
    """trl with bias-corrected KL, advantages of 0 and a token mean: nothing but ratio · k3 is left of its loss."""
    made = object.__new__(library("trl").GRPOTrainer)
    made.args = SimpleNamespace(use_bias_correction_kl=True, delta=None)
    made.aux_loss_enabled = made.use_vllm = made._entropy_bonus_enabled = False
    made.top_entropy_quantile, made.beta, made.off_policy_mask_threshold = 1.0, 1.0, None
    made.importance_sampling_level, made.loss_type = "token", "bnpo"
    made.epsilon_low = made.epsilon_high = 0.2
    made.model, made.current_gradient_accumulation_steps = SimpleNamespace(training=False), 1
    made.accelerator = SimpleNamespace(gather=lambda value: value, reduce=lambda value, reduction: value)
    made._metrics = {"eval": defaultdict(list)}
    log_prob = -torch.rand(batch, seq_len, dtype=dtype) * 4
    old, ref = (log_prob + 0.5 * torch.randn(batch, seq_len, dtype=dtype) for _ in range(2))
    mask = (torch.rand(batch, seq_len) < 0.6) | (torch.arange(seq_len) == 0)
    ids = torch.zeros(batch, seq_len, dtype=torch.long)

    def ours(log_prob, old=old, ref=ref):
        return solution("kl_unbiased").unbiased_kl(log_prob, old, ref, mask, "grad_off_policy")

    def theirs(log_prob):
        made._get_per_token_logps_and_entropies = lambda *_, **__: (log_prob, torch.zeros_like(log_prob), None)
        inputs = {
            "prompt_ids": ids[:, :1],
            "prompt_mask": torch.ones_like(ids[:, :1]),
            "completion_ids": ids,
            "completion_mask": mask.to(dtype),
            "old_per_token_logps": old,
            "ref_per_token_logps": ref,
            "advantages": torch.zeros(batch, dtype=dtype),
        }
        return made._compute_loss(None, inputs)

    def whole(log_prob, old, ref):
        return pulled(lambda value: ours(value, old, ref), [log_prob])

    scales = conditioning(whole, [log_prob, old, ref])
    for found, right, scale in zip(pulled(ours, [log_prob]), pulled(theirs, [log_prob]), scales, strict=True):
        agree(found, right, scale)
