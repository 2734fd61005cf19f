"""As a quotient, with the sigmoid of the other sign for 1 − s; beta is saved as a tensor of one number."""

import torch


class SwishFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, beta):
        ctx.save_for_backward(x, torch.tensor(float(beta)))
        wide = x.float()
        # x / (1 + exp(−beta · x)): an overflow in the denominator gives 0, and nothing is differentiated here
        return (wide / (1 + torch.exp(-beta * wide))).type_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        x, beta = ctx.saved_tensors
        return swish_backward(grad_out, x, float(beta)), None


def swish(x, beta=1.0):
    return SwishFunction.apply(x, beta)


def swish_backward(grad_out, x, beta=1.0):
    wide, g = x.float(), grad_out.float()
    s, rest = torch.sigmoid(wide * beta), torch.sigmoid(-wide * beta)
    return (g * (s + beta * wide * s * rest)).type_as(x)
