"""The well-known form: exponentials of logarithms, written into slices."""

import math

import torch


def sinusoidal_pe(max_len, d_model, base=10000.0, dtype=torch.float32):
    pe = torch.zeros(max_len, d_model, dtype=torch.float32)
    position = torch.arange(0, max_len, dtype=torch.float32)[:, None]
    div_term = torch.exp(torch.arange(0, d_model, 2, dtype=torch.float32) * (-math.log(base) / d_model))
    pe[:, 0::2] = torch.sin(position * div_term)
    pe[:, 1::2] = torch.cos(position * div_term[: d_model // 2])
    return pe.type(dtype)
