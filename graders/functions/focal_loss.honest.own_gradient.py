"""An autograd.Function with the derivative of the paper's appendix; 1 − p_t by a subtraction."""

import torch


class _Focal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, gamma):
        p = torch.sigmoid(z)
        nll = torch.nn.functional.binary_cross_entropy_with_logits(z, torch.ones_like(z), reduction="none")
        ctx.save_for_backward(p, nll)
        ctx.gamma = gamma
        return (1 - p) ** gamma * nll

    @staticmethod
    def backward(ctx, grad):
        p, nll = ctx.saved_tensors
        return grad * (1 - p) ** ctx.gamma * (-ctx.gamma * p * nll + p - 1), None


def focal_loss(logits, target, alpha=0.25, gamma=2.0, reduction="mean"):
    half = logits.dtype in (torch.float16, torch.bfloat16)
    x = logits.float() if half else logits
    positive = target > 0.5
    loss = _Focal.apply(torch.where(positive, x, -x), gamma)
    if alpha is not None:
        loss = loss * torch.where(positive, x.new_tensor(alpha), x.new_tensor(1 - alpha))
    reduce = {"none": lambda t: t, "sum": torch.sum, "mean": torch.mean}[reduction]
    return reduce(loss).to(logits.dtype)
