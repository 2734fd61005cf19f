"""By index, in an autograd.Function that keeps the output."""

import torch


def elu_backward(grad_out, y, alpha=1.0):
    out = grad_out.to(torch.float32, copy=True)
    low = y <= 0
    out[low] = out[low] * (y[low].float() + alpha)
    return out.to(y.dtype)


class ELU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        out = x.to(torch.float32, copy=True)
        low = x <= 0
        out[low] = alpha * torch.expm1(out[low])
        out = out.to(x.dtype)
        ctx.save_for_backward(out)
        ctx.alpha = alpha
        return out

    @staticmethod
    def backward(ctx, grad_out):
        return elu_backward(grad_out, *ctx.saved_tensors, ctx.alpha), None


def elu(x, alpha=1.0):
    return ELU.apply(x, alpha)
