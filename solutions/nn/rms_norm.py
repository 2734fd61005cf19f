"""RMSNorm, Zhang and Sennrich 2019 (arXiv:1910.07467), section 4, with the eps of Llama."""

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """Divides each vector by its root mean square, then scales each entry."""

    # region keep
    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    # endregion

    def forward(self, x: Tensor) -> Tensor:
        """Return x, normalised over its last dimension.

        Args:
            x: (..., dim), float32, float16 or bfloat16.
        Returns:
            Shape and dtype of x.
        """
        # region blank: the mean square of each vector, in float32 or wider
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean_square = wide.square().mean(-1, keepdim=True)
        # endregion
        # region blank: divide by the root mean square, scale, cast back
        return (wide * torch.rsqrt(mean_square + self.eps) * self.weight).to(x.dtype)
        # endregion
