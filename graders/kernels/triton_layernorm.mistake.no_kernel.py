"""Torch alone."""

import torch


def layer_norm(x, weight, bias, eps=1e-5):
    wide = x.float()
    mean = wide.mean(-1)
    centred = wide - mean[:, None]
    rstd = torch.rsqrt(centred.square().mean(-1) + eps)
    return (centred * rstd[:, None] * weight + bias).to(x.dtype), mean, rstd


def layer_norm_backward(grad_out, x, weight, mean, rstd, programs=528):
    unit, grad = (x - mean[:, None]) * rstd[:, None], grad_out.float()
    g = grad * weight
    grad_x = rstd[:, None] * (g - g.mean(-1, keepdim=True) - unit * (g * unit).mean(-1, keepdim=True))
    return grad_x.to(x.dtype), (grad * unit).sum(0).to(x.dtype), grad.sum(0).to(x.dtype)
