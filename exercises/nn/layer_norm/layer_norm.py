# Generated from solutions/nn/layer_norm.py; do not edit. thinkllm dev render
"""Layer normalization, Ba, Kiros and Hinton 2016 (arXiv:1607.06450), section 3."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LayerNorm(nn.Module):
    """Normalises the last dimensions of its input to mean 0 and variance 1, then scales and shifts each entry."""

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(self.normalized_shape))
        self.bias = nn.Parameter(torch.zeros(self.normalized_shape))

    def forward(self, x: Tensor) -> Tensor:
        """Return x, normalised over its last len(normalized_shape) dimensions.

        Args:
            x: (..., *normalized_shape), float32, float16 or bfloat16.
        Returns:
            Shape and dtype of x.
        """
        raise NotImplementedError("blank 1: LayerNorm.forward")
