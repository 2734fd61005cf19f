"""Cross-entropy of Liger-Kernel, which leaves the gradient in the logits too; its loss is in the dtype of the logits."""

from liger_kernel.ops.cross_entropy import LigerCrossEntropyFunction
from liger_kernel.ops.cross_entropy import cross_entropy_backward as backward
from torch import Tensor


def cross_entropy(logits: Tensor, target: Tensor, ignore_index: int = -100, block: int = 4096) -> Tensor:
    """Return the mean cross-entropy, and leave its gradient in the memory of the logits."""
    logits = logits.detach().requires_grad_()  # without it there is no gradient
    loss: Tensor = LigerCrossEntropyFunction.apply(logits, target, None, ignore_index)[0]
    return loss


def cross_entropy_backward(grad_loss: Tensor, grad: Tensor, block: int = 4096) -> None:
    """Multiply the gradient that `cross_entropy` left behind by that of its loss, in place."""
    backward(grad, grad_loss)
