"""A table of estimates, and an autograd function whose backward is k2's."""

import torch


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, gap):
        ctx.save_for_backward(gap)
        return value.clone()

    @staticmethod
    def backward(ctx, grad):
        (gap,) = ctx.saved_tensors
        return None, grad * gap


def _k3(policy, reference):
    d = torch.clamp(reference - policy, min=-20, max=20)
    return torch.clamp(torch.expm1(d) - d, min=-10, max=10)


ESTIMATES = {
    "k1": lambda p, q: p - q,
    "abs": lambda p, q: torch.abs(p - q),
    "k2": lambda p, q: (p - q) ** 2 / 2,
    "k3": _k3,
}
for _long, _short in (("kl", "k1"), ("mse", "k2"), ("low_var_kl", "k3")):
    ESTIMATES[_long] = ESTIMATES[_short]


def kl_penalty(logprob, ref_logprob, kl_penalty):
    plus = kl_penalty.endswith("+")
    key = kl_penalty[:-1] if plus else kl_penalty
    try:
        value = ESTIMATES[key](logprob, ref_logprob)
    except KeyError:
        raise ValueError(f"{kl_penalty} is not known") from None
    return _Through.apply(value.detach(), logprob - ref_logprob) if plus else value
