"""Both branches are computed, each on inputs that cannot overflow it."""

import torch


def sigmoid(x):
    print("sigmoid of", tuple(x.shape))
    wide = x.to(torch.float32)
    negative = wide < 0
    left = torch.where(negative, wide, torch.zeros_like(wide)).exp()
    right = torch.where(negative, torch.zeros_like(wide), -wide).exp()
    return torch.where(negative, left / (1.0 + left), torch.reciprocal(1.0 + right)).type_as(x)


def sigmoid_backward(grad_out, y):
    out = y.to(torch.float32, copy=True)
    out.neg_().add_(1.0).mul_(y).mul_(grad_out)
    return out.type_as(y)
