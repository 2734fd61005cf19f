# Generated from solutions/nn/batch_norm.py; do not edit. thinkllm dev render
"""Batch normalization, Ioffe and Szegedy 2015 (arXiv:1502.03167), section 3, with the running averages of torch.

Dimensions: N batch, C channels, then none or more positions (length; height and width).
"""

import torch
from torch import Tensor, nn


class BatchNorm(nn.Module):
    """Normalises each channel: by the batch in training, by running averages in evaluation; then scales and shifts."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        """Return x, each channel normalised; in training also update the running averages.

        Args:
            x: (N, C) or (N, C, …), float32, float16 or bfloat16.
        Returns:
            Shape and dtype of x.
        Raises:
            ValueError: training on one value a channel, whose variance is 0.
        """
        raise NotImplementedError("blank 1: BatchNorm.forward")
