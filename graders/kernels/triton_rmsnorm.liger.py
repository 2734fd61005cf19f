"""Residual add and RMSNorm of Liger-Kernel; its casting mode "gemma" is the one that multiplies by the weight in float32."""

from liger_kernel.ops.fused_add_rms_norm import LigerFusedAddRMSNormFunction
from torch import Tensor


def fused_add_rms_norm(
    x: Tensor, residual: Tensor, weight: Tensor, eps: float = 1e-6, programs: int = 256
) -> tuple[Tensor, Tensor]:
    """Return RMSNorm(x + residual) * weight and x + residual, differentiable in all three tensors."""
    found: tuple[Tensor, Tensor] = LigerFusedAddRMSNormFunction.apply(x, residual, weight, eps, 0.0, "gemma", False)
    return found
