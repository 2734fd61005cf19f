"""The formulas as they stand in the statement."""

import math

import torch


def gelu(x, approximate="none"):
    if approximate not in ("none", "tanh"):
        raise ValueError(approximate)
    z = x.float()
    if approximate == "none":
        gate = torch.erf(z / math.sqrt(2.0))
    else:
        gate = torch.tanh(math.sqrt(2.0 / math.pi) * (z + 0.044715 * z * z * z))
    return (0.5 * z * (1.0 + gate)).type_as(x)
