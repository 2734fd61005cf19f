"""The PPO policy loss against trl's GRPO trainer, whose loss type "bnpo" without KL is this one.

trl has no word for approx_kl as it is defined here, and its clip ratio is compared where it means the same: the
fraction of the tokens whose advantage is positive and ratio too large, or negative and too small.
"""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
DTYPES = [torch.float32, torch.float64]


def trainer(trl, clip_eps):
    """What trl's loss reads of a trainer, without a model: the log-probabilities are handed in."""
    made = object.__new__(trl.GRPOTrainer)
    made.args = SimpleNamespace(use_bias_correction_kl=False, delta=None)
    made.aux_loss_enabled = made.use_vllm = made._entropy_bonus_enabled = False
    made.top_entropy_quantile, made.beta, made.off_policy_mask_threshold = 1.0, 0.0, None
    made.importance_sampling_level, made.loss_type = "token", "bnpo"
    made.epsilon_low = made.epsilon_high = clip_eps
    made.model = SimpleNamespace(training=False)
    made.current_gradient_accumulation_steps = 1
    made.accelerator = SimpleNamespace(gather=lambda value: value, reduce=lambda value, reduction: value)
    made._metrics = {"eval": defaultdict(list)}
    return made


def trl_loss(made, log_prob, old_log_prob, advantages, mask):
    entropy = torch.zeros_like(log_prob).detach()
    made._get_per_token_logps_and_entropies = lambda *_, **__: (log_prob, entropy, None)
    ids = torch.zeros(mask.shape, dtype=torch.long)
    inputs = {
        "prompt_ids": ids[:, :1],
        "prompt_mask": torch.ones_like(ids[:, :1]),
        "completion_ids": ids,
        "completion_mask": mask.to(log_prob.dtype),
        "old_per_token_logps": old_log_prob,
        "advantages": advantages,
    }
    return made._compute_loss(None, inputs)


def drawn(batch, seq_len, dtype, spread=0.4):
    old = -torch.rand(batch, seq_len, dtype=dtype) * 4
    log_prob = old + spread * torch.randn(batch, seq_len, dtype=dtype)
    return log_prob, old, torch.randn(batch, seq_len, dtype=dtype), torch.rand(batch, seq_len) < 0.7


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("clip_eps", [0.1, 0.2, 0.5])
@pytest.mark.parametrize(("batch", "seq_len"), [(1, 1), (3, 9), (4, 65)])
def test_loss_and_gradient(solution, library, agree, conditioning, pulled, batch, seq_len, clip_eps, dtype):
    made = trainer(library("trl"), clip_eps)
    log_prob, old, advantages, mask = drawn(batch, seq_len, dtype)
    ours = lambda log_prob: solution("ppo_policy_loss").ppo_policy_loss(log_prob, old, advantages, mask, clip_eps)  # noqa: E731
    mine = pulled(lambda value: ours(value)[0], [log_prob])
    theirs = pulled(lambda value: trl_loss(made, value, old, advantages, mask), [log_prob])
    inputs = [log_prob, old, advantages]
    whole = lambda n, o, a: pulled(  # noqa: E731
        lambda value: solution("ppo_policy_loss").ppo_policy_loss(value, o, a, mask, clip_eps)[0], [n]
    )
    for found, right, scale in zip(mine, theirs, conditioning(whole, inputs), strict=True):
        agree(found, right, scale)
    clipped = made._metrics["eval"]["clip_ratio/region_mean"][-1]
    assert float(ours(log_prob)[1]) == pytest.approx(clipped, rel=1e-6)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_approx_kl(solution, library, agree, dtype):
    """numpy's masked arrays: the mean over the tokens that are left."""
    numpy = library("numpy")
    log_prob, old, advantages, mask = drawn(4, 17, dtype)
    kl = solution("ppo_policy_loss").ppo_policy_loss(log_prob, old, advantages, mask)[2]
    gaps = numpy.ma.masked_array((old.double() - log_prob.double()).numpy(), mask=~mask.numpy())
    agree(kl, torch.tensor(float(gaps.mean()), dtype=dtype), float(abs(gaps).mean()) + 4)


def test_derivatives(solution):
    log_prob, old, advantages, mask = drawn(3, 5, torch.float64)
    loss = lambda value: solution("ppo_policy_loss").ppo_policy_loss(value, old, advantages, mask)[0]  # noqa: E731
    assert torch.autograd.gradcheck(loss, log_prob.requires_grad_())
