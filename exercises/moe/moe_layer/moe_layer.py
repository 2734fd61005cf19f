# Generated from solutions/moe/moe_layer.py; do not edit. thinkllm dev render
"""Sparse mixture-of-experts layer, Jiang et al. 2024 (arXiv:2401.04088), section 2.1.

Dimensions: N tokens, E experts, K experts per token, D model size.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Expert(nn.Module):
    """A SwiGLU feed-forward network."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, d_model) → (n, d_model), for any n, 0 too."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class SparseMoE(nn.Module):
    """A feed-forward layer of many experts, of which each token passes through top_k."""

    def __init__(self, d_model: int, d_ff: int, num_experts: int, top_k: int, renormalize: bool = True) -> None:
        super().__init__()
        self.num_experts = num_experts
        self.top_k = top_k
        self.renormalize = renormalize
        self.gate = nn.Linear(d_model, num_experts, bias=False)
        self.experts = nn.ModuleList(Expert(d_model, d_ff) for _ in range(num_experts))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weighted sum of the outputs of each token's experts, and the router's logits.

        Args:
            x: (batch, seq_len, d_model), float32.
        Returns:
            The output, (batch, seq_len, d_model), and the logits, (batch * seq_len, num_experts).
        """
        raise NotImplementedError("blank 1: SparseMoE.forward")
