"""Forward score and straight-through, in verl's order of terms."""

import torch


def _forward(logprob, ref_logprob, name):
    if name in {"kl", "k1"}:
        return logprob - ref_logprob
    if name == "abs":
        return (logprob - ref_logprob).abs()
    if name in {"mse", "k2"}:
        return torch.mul((logprob - ref_logprob).pow(2), 0.5)
    if name in {"low_var_kl", "k3"}:
        x = torch.minimum(torch.maximum(ref_logprob - logprob, torch.tensor(-20.0)), torch.tensor(20.0))
        estimate = x.exp() - 1 - x
        return estimate.clamp(max=10.0)
    raise ValueError(name)


def kl_penalty(logprob, ref_logprob, kl_penalty):
    if not kl_penalty.endswith("+"):
        return _forward(logprob, ref_logprob, kl_penalty)
    score = _forward(logprob, ref_logprob, kl_penalty[:-1]).detach()
    backward = _forward(logprob, ref_logprob, "k2")
    return (backward - backward.detach()) + score
