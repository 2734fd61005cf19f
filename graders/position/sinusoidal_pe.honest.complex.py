"""Powers of a rotation as complex exponentials, read as pairs with the imaginary part first."""

import torch


def sinusoidal_pe(max_len, d_model, base=10000.0, dtype=torch.float32):
    pairs = (d_model + 1) // 2
    rate = torch.pow(torch.tensor(float(base)), -2.0 * torch.arange(pairs) / d_model)
    angle = torch.outer(torch.arange(max_len).float(), rate)
    turn = torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turn).flip(-1).reshape(max_len, 2 * pairs)[:, :d_model].contiguous().to(dtype)
