"""torch alone."""

import math

import torch


def bias_gelu(x, bias, block=1024):
    z = x.float() + bias.float()
    return (0.5 * z * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))).to(x.dtype)
