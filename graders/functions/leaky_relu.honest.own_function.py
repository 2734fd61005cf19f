"""By index, in an autograd.Function."""

import torch


class LeakyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x)
        ctx.slope = slope
        out = x.clone()
        out[~(x > 0)] *= slope
        return out

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return leaky_relu_backward(grad_out, x, ctx.slope), None


def leaky_relu(x, negative_slope=0.01):
    return LeakyReLU.apply(x, negative_slope)


def leaky_relu_backward(grad_out, x, negative_slope=0.01):
    out = grad_out.clone()
    out[x <= 0] = out[x <= 0].mul(negative_slope)
    return out
