"""AdamW against torch.optim.AdamW, over many steps."""

from __future__ import annotations

import copy

import pytest
import torch

SHAPES = [(), (3,), (4, 5), (2, 1, 3, 3)]
DTYPES = [torch.float32, torch.float64]
VARIANTS = {"loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
OPTIONS = {
    "defaults": {},
    "no decay": {"lr": 0.1, "weight_decay": 0.0},
    "all": {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.3},
    "no memory": {"lr": 0.1, "betas": (0.0, 0.5), "weight_decay": 0.1},
    "large eps": {"lr": 0.1, "eps": 0.5, "betas": (0.9, 0.9)},
}
STEPS = 100


class Twins:
    """The same parameters under both optimizers, and a bound on how far rounding may carry them apart."""

    def __init__(self, ours, oracle, dtype, options, variant, *, groups=1):
        self.mine, self.theirs = ([torch.randn(shape, dtype=dtype) for shape in SHAPES] for _ in range(2))
        for a, b in zip(self.mine, self.theirs, strict=True):
            b.copy_(a)
            a.requires_grad_()
            b.requires_grad_()
        self.ours = ours(grouped(self.mine, groups), **options)
        self.oracle = oracle(grouped(self.theirs, groups), **options, **VARIANTS[variant])
        self.bounds = [torch.zeros_like(p, dtype=torch.float64) for p in self.mine]
        self.moments = [torch.zeros_like(p, dtype=torch.float64) for p in self.mine]
        self.counts = [0] * len(self.mine)

    def step(self, gradients):
        for a, b, gradient in zip(self.mine, self.theirs, gradients, strict=True):
            a.grad, b.grad = gradient, None if gradient is None else gradient.clone()
        before = [p.detach().double() for p in self.theirs]
        self.ours.step()
        self.oracle.step()
        self.count(gradients, before)

    def count(self, gradients, before):
        """Add the rounding of one update to the bounds: of the parameter, and of a step of the moments of |g|.

        The moments are sums with signs; what rounding does to them is relative to the sums without. The second one,
        whose terms are positive, and the rest of the update are relative.
        """
        numbers = {id(p): n for n, p in enumerate(self.theirs)}
        for group in self.oracle.param_groups:
            for p in group["params"]:
                n = numbers[id(p)]
                if gradients[n] is None:
                    continue
                self.counts[n] += 1
                beta1, beta2 = group["betas"]
                t = self.counts[n]
                self.moments[n].mul_(beta1).add_(gradients[n].abs(), alpha=1 - beta1)
                v_hat = self.oracle.state[p]["exp_avg_sq"].double() / (1 - beta2**t)
                update = group["lr"] * self.moments[n] / (1 - beta1**t) / (v_hat.sqrt() + group["eps"])
                self.bounds[n] += before[n].abs() + update

    def compare(self, agree):
        for mine, theirs, bound in zip(self.mine, self.theirs, self.bounds, strict=True):
            agree(mine, theirs, bound, units=4.0)


def grouped(params, groups):
    if groups == 1:
        return params
    return [
        {"params": params[:2], "lr": 0.02, "betas": (0.7, 0.9), "eps": 0.1, "weight_decay": 0.4},
        {"params": params[2:]},
    ]


def drawn(dtype, scale=1.0, missing=()):
    return [None if n in missing else torch.randn(shape, dtype=dtype) * scale for n, shape in enumerate(SHAPES)]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("options", OPTIONS)
def test_many_steps(solution, agree, options, variant, dtype):
    twins = Twins(solution("adamw").AdamW, torch.optim.AdamW, dtype, OPTIONS[options], variant)
    for step in range(STEPS):
        twins.step(drawn(dtype))
        if step in (0, 1, 9, STEPS - 1):
            twins.compare(agree)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [0.0, 1e-8, 1e6])
def test_gradients_of_any_size(solution, agree, scale, dtype):
    twins = Twins(solution("adamw").AdamW, torch.optim.AdamW, dtype, {"lr": 0.1, "betas": (0.9, 0.95)}, "loop")
    for _ in range(20):
        twins.step(drawn(dtype, scale))
        twins.compare(agree)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_groups_schedules_missing_gradients_and_a_checkpoint(solution, agree, dtype):
    """All at once, as in training: the count of a parameter moves only when it has a gradient."""
    options = {"lr": 0.1, "betas": (0.85, 0.95), "weight_decay": 0.2}
    both = solution("adamw").AdamW, torch.optim.AdamW
    twins = Twins(*both, dtype, options, "loop", groups=2)
    for step in range(60):
        for optimizer in (twins.ours, twins.oracle):
            for group in optimizer.param_groups:
                group["lr"] *= 0.97
        missing = {n for n in range(len(SHAPES)) if (step + n) % 3 == 0 or n == 3}
        twins.step(drawn(dtype, missing=missing))
        if step == 29:
            resume(twins, both)
    twins.compare(agree)
    assert torch.equal(twins.mine[3], twins.theirs[3])


def resume(twins, both):
    """Continue both with new optimizers, over the same parameters, that load what the old ones saved."""
    for name, params, make in zip(("ours", "oracle"), (twins.mine, twins.theirs), both, strict=True):
        saved = copy.deepcopy(getattr(twins, name).state_dict())
        fresh = make(grouped(params, 2), lr=0.7, betas=(0.5, 0.6), eps=1.0, weight_decay=0.9)
        fresh.load_state_dict(saved)
        setattr(twins, name, fresh)
