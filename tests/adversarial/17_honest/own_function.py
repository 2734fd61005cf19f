# exercise: softmax
# verdict: passed
import torch


class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dim):
        y = x.float()
        e = (y - y.amax(dim, keepdim=True)).exp()
        y = e / e.sum(dim, keepdim=True)
        ctx.save_for_backward(y)
        ctx.dim = dim
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        return (y * (gradient - (y * gradient).sum(ctx.dim, keepdim=True))).to(gradient.dtype), None


def softmax(x, dim=-1):
    return Softmax.apply(x, dim)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
