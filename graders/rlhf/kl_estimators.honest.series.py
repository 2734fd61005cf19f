"""Own backward; k3 by its series where the logarithms are close, else by the exponential."""

import torch


class _K3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        near = x.clamp(-0.05, 0.05)
        series = near * near * (0.5 + near * (1 / 6 + near * (1 / 24 + near * (1 / 120 + near / 720))))
        return torch.where(x.abs() <= 0.05, series, x.exp() - 1 - x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * torch.special.expm1(x)


def kl_estimate(log_prob, ref_log_prob, kind):
    print(kind, tuple(log_prob.shape))
    x = ref_log_prob.data - log_prob
    match kind:
        case "k1":
            return torch.neg(x)
        case "k2":
            return torch.mul(x, x).div(2)
        case "k3":
            return _K3.apply(x)
        case _:
            raise ValueError(f"no such estimator: {kind}")
