"""The chain rule step by step: through the variance, then through the mean."""

import torch


def layer_norm(x, weight, bias, eps=1e-5):
    x32 = x.float()
    mu = x32.sum(1) / x.size(1)
    d = x32 - mu.unsqueeze(1)
    var = (d * d).sum(1) / x.size(1)
    r = 1 / torch.sqrt(var + eps)
    return torch.addcmul(bias.float(), d * r.unsqueeze(1), weight.float()).to(x.dtype), mu, r


def layer_norm_backward(grad_out, x, weight, mean, rstd):
    n = x.size(1)
    d = x.float() - mean.unsqueeze(1)
    r = rstd.unsqueeze(1)
    dy = grad_out.float()
    dxhat = dy * weight.float()
    dvar = (dxhat * d).sum(1, keepdim=True) * -0.5 * r**3
    dmean = -(dxhat * r).sum(1, keepdim=True) - 2 * dvar * d.mean(1, keepdim=True)
    dx = dxhat * r + dvar * 2 * d / n + dmean / n
    return dx.to(x.dtype), (dy * d * r).sum(0).to(x.dtype), dy.sum(0).to(x.dtype)
