"""torch alone, with autograd's own backward pass."""

import torch
from torch import Tensor


def swiglu(gate: Tensor, up: Tensor, block: int = 1024) -> Tensor:
    """Return silu(gate) * up, differentiable in both, by kernels that touch at most `block` elements at once.

    Args:
        gate, up: (n, d), float32, float16 or bfloat16, of one dtype, any strides.
        block: a power of two, at least 16; the widest load or store.
    Returns:
        (n, d), the dtype of gate.
    """
    wide = gate.float()
    return (wide / (1 + torch.exp(-wide)) * up.float()).to(gate.dtype)
