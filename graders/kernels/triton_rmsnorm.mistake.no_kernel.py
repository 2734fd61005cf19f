"""torch alone."""

import torch
from torch import Tensor


def fused_add_rms_norm(
    x: Tensor, residual: Tensor, weight: Tensor, eps: float = 1e-6, programs: int = 256
) -> tuple[Tensor, Tensor]:
    """Return RMSNorm(x + residual) * weight and x + residual, differentiable in all three tensors.

    Args:
        x, residual: (n, d), float32, float16 or bfloat16, of one dtype, any strides.
        weight: (d,), the dtype of x.
        eps: added to the mean square, inside the root.
        programs: the most partial sums of the weight's gradient, (d,) each, that backward writes.
    Returns:
        out and the new residual, (n, d) each, in the dtype of x.
    """
    h = (x.float() + residual.float()).to(x.dtype)
    wide = h.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * weight.float()).to(x.dtype), h
