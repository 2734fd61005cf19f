"""One formula for both signs: expm1(2x) / (expm1(2x) + 2), with x kept where float32 cannot overflow."""

import torch


def tanh(x):
    t = torch.special.expm1(2.0 * torch.clamp(x.float(), max=20.0))
    return torch.div(t, t + 2.0).to(x.dtype)


def tanh_backward(grad_out, y):
    wide = y.float()
    return ((1.0 - wide) * (1.0 + wide) * grad_out.float()).to(y.dtype)
