# Generated from solutions/nn/rms_norm.py; do not edit. thinkllm dev render
"""RMSNorm, Zhang and Sennrich 2019 (arXiv:1910.07467), section 4, with the eps of Llama."""

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """Divides each vector by its root mean square, then scales each entry."""

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Return x, normalised over its last dimension.

        Args:
            x: (..., dim), float32, float16 or bfloat16.
        Returns:
            Shape and dtype of x.
        """
        raise NotImplementedError("blank 1: RMSNorm.forward")
