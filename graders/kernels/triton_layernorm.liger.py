"""Layer normalization of Liger-Kernel, forward and backward; the last sums over programs are torch's."""

from liger_kernel.ops.layer_norm import layer_norm_backward as backward
from liger_kernel.ops.layer_norm import layer_norm_forward as forward
from torch import Tensor


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    """Return the normalised rows, their means and reciprocal standard deviations."""
    out, _, mean, rstd, *_ = forward(x.contiguous(), weight.contiguous(), bias.contiguous(), eps)
    return out, mean, rstd


def layer_norm_backward(
    grad_out: Tensor, x: Tensor, weight: Tensor, mean: Tensor, rstd: Tensor, programs: int = 528
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients with respect to x, weight and bias; of the bias Liger asks the dtype alone."""
    grad_out, x, weight = grad_out.contiguous(), x.contiguous(), weight.contiguous()
    grads: tuple[Tensor, Tensor, Tensor] = backward(grad_out, x, weight, weight, mean, rstd)
    return grads
