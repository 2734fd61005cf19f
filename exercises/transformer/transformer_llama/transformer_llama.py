# Generated from solutions/transformer/transformer_llama.py; do not edit. thinkllm dev render
"""A decoder-only Transformer in the structure of Llama: Touvron et al. 2023 (arXiv:2302.13971), section 2.2.

Grouped-query attention as in Llama 2 (arXiv:2307.09288); parameter names and rotary layout as on Hugging Face.
Dimensions: B batch, T new tokens, P cached tokens, S = P + T, G key/value heads, R query heads per group, D head size.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Cache = list[tuple[Tensor, Tensor]]
"""For each layer its keys, rotated, and its values, both (batch, num_key_value_heads, cached tokens, head_dim)."""


@dataclass(frozen=True)
class LlamaConfig:
    """Sizes and constants of the model, by the names of Hugging Face."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0


class RMSNorm(nn.Module):
    """Root-mean-square layer norm, given."""

    def __init__(self, hidden_size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Return x, (..., hidden_size), over its root mean square, times the weight."""
        return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + self.eps) * self.weight


def apply_rope(x: Tensor, positions: Tensor, theta: float) -> Tensor:
    """Return x, (B, heads, T, D), with each pair (i, i + D / 2) turned by its angle at positions, (T,); given."""
    dim = x.shape[-1]
    rate = theta ** (-torch.arange(0, dim, 2, dtype=x.dtype, device=x.device) / dim)
    angles = positions.to(x.dtype).unsqueeze(-1) * rate  # (T, D / 2)
    cos, sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class LlamaAttention(nn.Module):
    """Grouped-query attention with rotary positions and a cache."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        heads, kv_heads, dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, heads * dim, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, kv_heads * dim, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, kv_heads * dim, bias=False)
        self.o_proj = nn.Linear(heads * dim, config.hidden_size, bias=False)

    def forward(
        self, x: Tensor, positions: Tensor, allowed: Tensor, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return what the new tokens gather from cached and new ones, and the keys and values of all.

        Args:
            x: (B, T, hidden_size).
            positions: (T,) int64, of the new tokens.
            allowed: bool, broadcasts to (B, G, R, T, S): which token may be attended to.
            past: keys and values of the cached tokens, (B, G, P, D) each.
        Returns:
            (B, T, hidden_size); keys and values, (B, G, S, D) each.
        """
        raise NotImplementedError("blank 1: LlamaAttention.forward")


class LlamaMLP(nn.Module):
    """SwiGLU feed-forward network."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return x, (B, T, hidden_size), through the network."""
        raise NotImplementedError("blank 2: LlamaMLP.forward")


class LlamaDecoderLayer(nn.Module):
    """Attention and feed-forward network, each behind its norm and beside a residual."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.self_attn = LlamaAttention(config)
        self.mlp = LlamaMLP(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self, x: Tensor, positions: Tensor, allowed: Tensor, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return x after both sublayers, and attention's keys and values; arguments as in LlamaAttention."""
        raise NotImplementedError("blank 3: LlamaDecoderLayer.forward")


class LlamaModel(nn.Module):
    """Embedding, layers and the last norm; what `LlamaLM` keeps in `model`."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(LlamaDecoderLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: Cache | None = None
    ) -> tuple[Tensor, Cache]:
        """Return the hidden states of the new tokens, (B, T, hidden_size), and the cache of all tokens."""
        raise NotImplementedError("blank 4: LlamaModel.forward")


class LlamaLM(nn.Module):
    """The language model: `model`, and `lm_head` over it."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.model = LlamaModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: Cache | None = None
    ) -> tuple[Tensor, Cache]:
        """Return the logits of the token after each new one, and the cache with the new tokens in it.

        Args:
            input_ids: (batch, new) int64, the new tokens.
            attention_mask: (batch, cached + new) bool, True where a token is real, cached ones first.
            cache: what an earlier call returned; stays as it is.
        Returns:
            logits: (batch, new, vocab_size).
            cache: of cached and new tokens.
        """
        raise NotImplementedError("blank 5: LlamaLM.forward")

    def loss(self, input_ids: Tensor, labels: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the mean cross-entropy of predicting each label from the tokens before it.

        Args:
            input_ids: (batch, seq_len) int64.
            labels: (batch, seq_len) int64, not shifted: column t is predicted from earlier tokens; −100 does not count.
            attention_mask: (batch, seq_len) bool, True where a token is real.
        Returns:
            (), the mean over the labels that count; those of column 0 do not.
        """
        raise NotImplementedError("blank 6: LlamaLM.loss")
