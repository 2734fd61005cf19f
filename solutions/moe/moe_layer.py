"""Sparse mixture-of-experts layer, Jiang et al. 2024 (arXiv:2401.04088), section 2.1.

Dimensions: N tokens, E experts, K experts per token, D model size.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# region keep
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


# endregion


class SparseMoE(nn.Module):
    """A feed-forward layer of many experts, of which each token passes through top_k."""

    # region keep
    def __init__(self, d_model: int, d_ff: int, num_experts: int, top_k: int, renormalize: bool = True) -> None:
        super().__init__()
        self.num_experts = num_experts
        self.top_k = top_k
        self.renormalize = renormalize
        self.gate = nn.Linear(d_model, num_experts, bias=False)
        self.experts = nn.ModuleList(Expert(d_model, d_ff) for _ in range(num_experts))

    # endregion

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weighted sum of the outputs of each token's experts, and the router's logits.

        Args:
            x: (batch, seq_len, d_model), float32.
        Returns:
            The output, (batch, seq_len, d_model), and the logits, (batch * seq_len, num_experts).
        """
        tokens = x.reshape(-1, x.shape[-1])  # (N, D)
        # region blank: probabilities of all experts, the top_k largest of each token, renormalised if asked for
        router_logits = self.gate(tokens)  # (N, E)
        weights, chosen = router_logits.softmax(dim=-1).topk(self.top_k, dim=-1)  # both (N, K)
        if self.renormalize:
            weights = weights / weights.sum(dim=-1, keepdim=True)
        # endregion
        out = torch.zeros_like(tokens)
        for index, expert in enumerate(self.experts):
            # region blank: run each expert on the tokens that chose it, and add its weighted output to theirs
            token, slot = torch.where(chosen == index)  # which tokens, and as which of their K experts
            out.index_add_(0, token, expert(tokens[token]) * weights[token, slot].unsqueeze(-1))
            # endregion
        return out.view_as(x), router_logits
