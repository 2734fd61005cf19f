"""clamp for the values, and a mask of ones for the gradient, in an autograd.Function."""

import torch


def relu_backward(grad_out, x):
    return grad_out * (x > 0).to(grad_out.dtype)


class ReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return relu_backward(grad_out, x)


def relu(x):
    return ReLU.apply(x)
