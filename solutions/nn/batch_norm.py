"""Batch normalization, Ioffe and Szegedy 2015 (arXiv:1502.03167), section 3, with the running averages of torch.

Dimensions: N batch, C channels, then none or more positions (length; height and width).
"""

import torch
from torch import Tensor, nn


class BatchNorm(nn.Module):
    """Normalises each channel: by the batch in training, by running averages in evaluation; then scales and shifts."""

    running_mean: Tensor
    running_var: Tensor

    # region keep
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    # endregion

    def forward(self, x: Tensor) -> Tensor:
        """Return x, each channel normalised; in training also update the running averages.

        Args:
            x: (N, C) or (N, C, …), float32, float16 or bfloat16.
        Returns:
            Shape and dtype of x.
        Raises:
            ValueError: training on one value a channel, whose variance is 0.
        """
        dims = [0, *range(2, x.dim())]
        per_channel = [-1 if dim == 1 else 1 for dim in range(x.dim())]  # the shape in which a statistic meets x
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        if self.training:
            # region blank: mean and biased variance of each channel, over the batch and all positions
            n = x[:, 0].numel()
            if n == 1:
                raise ValueError("training needs more than one value a channel")
            mean = wide.mean(dims)  # (C,)
            variance = wide.var(dims, correction=0)
            # endregion
            # region blank: move the running averages towards them, the variance unbiased
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * n / (n - 1), self.momentum)
            # endregion
        else:
            # region blank: what evaluation normalises with
            mean, variance = self.running_mean, self.running_var
            # endregion
        # region blank: normalise, scale and shift each channel; cast back
        scale = self.weight * torch.rsqrt(variance + self.eps)
        out = (wide - mean.view(per_channel)) * scale.view(per_channel) + self.bias.view(per_channel)
        return out.to(x.dtype)
        # endregion
