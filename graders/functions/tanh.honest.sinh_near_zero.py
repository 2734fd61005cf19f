"""sinh / cosh where the entries are small, exponentials where they are not, in an autograd.Function."""

import torch


def tanh_backward(grad_out, y):
    y32 = y.to(torch.float32)
    return torch.addcmul(grad_out.float(), grad_out.float(), y32 * y32, value=-1).type_as(y)


class Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        wide = x.to(torch.float32)
        near = wide.abs() < 0.75
        small = wide.masked_fill(~near, 0.0)
        e = torch.exp(-2 * wide.abs())
        out = torch.where(near, small.sinh() / small.cosh(), torch.copysign((1 - e) / (1 + e), wide)).type_as(x)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, grad_out):
        (out,) = ctx.saved_tensors
        return tanh_backward(grad_out, out)


tanh = Tanh.apply
