"""Layer normalization, Ba, Kiros and Hinton 2016 (arXiv:1607.06450), section 3."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LayerNorm(nn.Module):
    """Normalises the last dimensions of its input to mean 0 and variance 1, then scales and shifts each entry."""

    # region keep
    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(self.normalized_shape))
        self.bias = nn.Parameter(torch.zeros(self.normalized_shape))

    # endregion

    def forward(self, x: Tensor) -> Tensor:
        """Return x, normalised over its last len(normalized_shape) dimensions.

        Args:
            x: (..., *normalized_shape), float32, float16 or bfloat16.
        Returns:
            Shape and dtype of x.
        """
        # region blank: the dimensions to normalise over; x in float32 or wider, its mean subtracted
        dims = tuple(range(-len(self.normalized_shape), 0))
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        centered = wide - wide.mean(dims, keepdim=True)
        # endregion
        # region blank: the variance, from the deviations
        variance = centered.square().mean(dims, keepdim=True)
        # endregion
        # region blank: divide by the standard deviation, scale and shift, cast back
        normed = centered * torch.rsqrt(variance + self.eps)
        return (normed * self.weight + self.bias).to(x.dtype)
        # endregion
