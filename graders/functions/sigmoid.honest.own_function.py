"""Fills two halves by index, inside an autograd.Function whose backward is the hand-written one."""

import torch


def sigmoid_backward(grad_out, y):
    y32 = y.float() if y.dtype != torch.float64 else y
    return (grad_out.to(y32.dtype) * (y32 - y32 * y32)).to(y.dtype)


class Sigmoid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        wide = x.float()
        out = torch.full_like(wide, torch.nan)
        high, low = wide >= 0, wide < 0
        out[high] = 1 / (1 + torch.exp(-wide[high]))
        small = torch.exp(wide[low])
        out[low] = small / (small + 1)
        out = out.to(x.dtype)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, grad_out):
        return sigmoid_backward(grad_out, *ctx.saved_tensors)


def sigmoid(x):
    return Sigmoid.apply(x)
