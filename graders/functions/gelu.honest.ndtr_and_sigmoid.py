"""The normal distribution function of torch.special; the tanh form as a sigmoid of twice the argument, by Horner."""

import torch

ROOT = 0.7978845608028654


def gelu(x, approximate="none"):
    match approximate:
        case "none":
            gate = torch.special.ndtr(x.to(torch.float32))
        case "tanh":
            wide = x.to(torch.float32)
            gate = torch.sigmoid(2 * ROOT * wide * torch.addcmul(torch.ones(()), wide, wide, value=0.044715))
        case other:
            raise ValueError(f"no such form: {other}")
    return (x.to(torch.float32) * gate).to(x.dtype)
