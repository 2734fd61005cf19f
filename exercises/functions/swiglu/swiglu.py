# Generated from solutions/functions/swiglu.py; do not edit. thinkllm dev render
"""SwiGLU feed-forward layer, Shazeer 2020 (arXiv:2002.05202), section 2, with the width of Llama (arXiv:2302.13971)."""

import torch
from torch import nn
from torch.nn import functional as F


def llama_ffn_dim(d_model: int, multiple_of: int = 256, multiplier: float = 1.0) -> int:
    """Return the hidden width at which three matrices have the parameters of a 4 * d_model layer's two.

    Args:
        d_model: width of the model.
        multiple_of: the result is rounded up to a multiple of it.
        multiplier: widens the layer before that; 1.3 in Llama 3 8B.
    """
    raise NotImplementedError("blank 1: llama_ffn_dim")


class SwiGLU(nn.Module):
    """Feed-forward layer of Llama: down_proj(silu(gate_proj(x)) * up_proj(x))."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the layer's output, each position by itself.

        Args:
            x: (..., d_model), float32.
        Returns:
            (..., d_model).
        """
        raise NotImplementedError("blank 2: SwiGLU.forward")
