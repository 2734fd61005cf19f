"""The GRPO loss against trl's trainer, by its own loss function: types "grpo", "bnpo" and "dr_grpo".

trl counts a response without any token in the mean over responses, and verl does not; the reference follows verl, and
here every response has a token. Its constant length is set to the width of the tensors.
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
TYPES = {"seq-mean-token-mean": "grpo", "token-mean": "bnpo", "seq-mean-token-sum-norm": "dr_grpo"}


def trainer(trl, agg, clip_eps, beta, length):
    """What trl's loss reads of a trainer, without a model: the log-probabilities are handed in."""
    made = object.__new__(trl.GRPOTrainer)
    made.args = SimpleNamespace(use_bias_correction_kl=False, delta=None)
    made.aux_loss_enabled = made.use_vllm = made._entropy_bonus_enabled = False
    made.top_entropy_quantile, made.beta, made.off_policy_mask_threshold = 1.0, beta, None
    made.importance_sampling_level, made.loss_type = "token", TYPES[agg]
    made.epsilon_low = made.epsilon_high = clip_eps
    made.model = SimpleNamespace(training=False)
    made.current_gradient_accumulation_steps, made.max_completion_length = 1, length
    made.accelerator = SimpleNamespace(gather=lambda value: value, reduce=lambda value, reduction: value)
    made._metrics = {"eval": defaultdict(list)}
    return made


def trl_loss(made, log_prob, old, ref, advantages, mask):
    made._get_per_token_logps_and_entropies = lambda *_, **__: (log_prob, torch.zeros_like(log_prob).detach(), None)
    ids = torch.zeros(mask.shape, dtype=torch.long)
    inputs = {
        "prompt_ids": ids[:, :1],
        "prompt_mask": torch.ones_like(ids[:, :1]),
        "completion_ids": ids,
        "completion_mask": mask.to(log_prob.dtype),
        "old_per_token_logps": old,
        "ref_per_token_logps": ref,
        "advantages": advantages,
    }
    return made._compute_loss(None, inputs)


def drawn(batch, seq_len, dtype):
    log_prob = -torch.rand(batch, seq_len, dtype=dtype) * 4
    old, ref = (log_prob + 0.5 * torch.randn(batch, seq_len, dtype=dtype) for _ in range(2))
    mask = (torch.rand(batch, seq_len) < 0.6) | (torch.arange(seq_len) == 0)
    return log_prob, old, ref, torch.randn(batch, dtype=dtype), mask


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("agg", list(TYPES))
@pytest.mark.parametrize(("clip_eps", "beta"), [(0.2, 0.04), (0.1, 1.0), (0.3, 0.0)])
@pytest.mark.parametrize(
    ("batch", "seq_len", "on_policy"), [(1, 2, False), (4, 9, False), (4, 9, True), (3, 65, False)]
)
def test_loss_and_gradient(
    solution, library, agree, conditioning, pulled, batch, seq_len, on_policy, clip_eps, beta, agg, dtype
):
    made = trainer(library("trl"), agg, clip_eps, beta, seq_len)
    log_prob, old, ref, advantages, mask = drawn(batch, seq_len, dtype)
    old = None if on_policy else old
    rest = (advantages, mask, clip_eps, beta, agg)

    def ours(log_prob, old=old, ref=ref):
        return solution("grpo_loss").grpo_loss(log_prob, old, ref, *rest)

    mine = pulled(lambda value: ours(value)[0], [log_prob])
    theirs = pulled(lambda value: trl_loss(made, value, old, ref, advantages, mask), [log_prob])
    inputs = [log_prob, ref] if on_policy else [log_prob, ref, old]

    def whole(log_prob, ref, old=None):
        return pulled(lambda value: ours(value, old, ref)[0], [log_prob])

    for found, right, scale in zip(mine, theirs, conditioning(whole, inputs), strict=True):
        agree(found, right, scale)
    _, kl, clip_frac = ours(log_prob)
    log = made._metrics["eval"]
    assert float(clip_frac) == pytest.approx(log["clip_ratio/region_mean"][-1], rel=1e-6)
    if beta:
        assert float(kl) == pytest.approx(log["kl"][-1], rel=1e-5)


@pytest.mark.parametrize("agg", list(TYPES))
def test_derivatives(solution, agg):
    log_prob, old, ref, advantages, mask = drawn(3, 5, torch.float64)
    mask[1] = False
    loss = lambda value: solution("grpo_loss").grpo_loss(value, old, ref, advantages, mask, beta=0.5, agg=agg)[0]  # noqa: E731
    assert torch.autograd.gradcheck(loss, log_prob.requires_grad_())
