"""One angle a column, a quarter turn added to the odd ones, in float64; kept by its arguments."""

from functools import lru_cache

import numpy as np
import torch


@lru_cache(maxsize=8)
def _table(max_len, d_model, base):
    column = np.arange(d_model)
    wavelength = np.power(base, 2 * (column // 2) / d_model)
    angle = np.arange(max_len)[:, None] / wavelength
    return np.sin(angle + np.where(column % 2, np.pi / 2, 0.0))


def sinusoidal_pe(max_len, d_model, base=10000.0, dtype=torch.float32):
    return torch.from_numpy(_table(max_len, d_model, base)).to(dtype)
