"""Both forms with hand-written derivatives, in an autograd.Function."""

import math

import torch


def parts(wide, approximate):
    """The gate and its derivative."""
    if approximate == "none":
        return 0.5 * torch.special.erfc(wide * -math.sqrt(0.5)), (-0.5 * wide * wide).exp() / math.sqrt(2 * math.pi)
    root = math.sqrt(2 / math.pi)
    t = torch.tanh(root * (wide + 0.044715 * wide.pow(3)))
    return 0.5 + 0.5 * t, 0.5 * (1 - t * t) * root * (1 + 3 * 0.044715 * wide * wide)


class GELU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, approximate):
        ctx.save_for_backward(x)
        ctx.approximate = approximate
        wide = x.float()
        return wide.mul(parts(wide, approximate)[0]).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        gate, slope = parts(x.float(), ctx.approximate)
        return (grad_out.float() * (gate + x.float() * slope)).to(x.dtype), None


def gelu(x, approximate="none"):
    if approximate == "none" or approximate == "tanh":
        return GELU.apply(x, approximate)
    raise ValueError("approximate")
