"""As on Hugging Face: keys repeated once per query head, an additive mask, cosines made once for all layers."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class LlamaConfig:
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
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        return self.weight * (x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


def rotate_half(x):
    a, b = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((-b, a), -1)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.q_proj = nn.Linear(c.hidden_size, c.num_attention_heads * c.head_dim, bias=False)
        self.k_proj = nn.Linear(c.hidden_size, c.num_key_value_heads * c.head_dim, bias=False)
        self.v_proj = nn.Linear(c.hidden_size, c.num_key_value_heads * c.head_dim, bias=False)
        self.o_proj = nn.Linear(c.num_attention_heads * c.head_dim, c.hidden_size, bias=False)

    def forward(self, x, rotation, bias, past):
        b, t, _ = x.shape
        q, k, v = (
            p(x).reshape(b, t, -1, self.c.head_dim).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj)
        )
        cos, sin = rotation
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
        if past is not None:
            k, v = (torch.cat(pair, dim=-2) for pair in zip(past, (k, v), strict=True))
        present = (k, v)
        copies = self.c.num_attention_heads // self.c.num_key_value_heads
        k, v = k.repeat_interleave(copies, 1), v.repeat_interleave(copies, 1)
        scores = torch.einsum("bhtd,bhsd->bhts", q, k) * self.c.head_dim**-0.5 + bias
        p = torch.softmax(scores, dim=-1) * (bias > -1).any(-1, keepdim=True)
        return self.o_proj(torch.einsum("bhts,bhsd->bthd", p, v).reshape(b, t, -1)), present


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.up_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.down_proj = nn.Linear(c.intermediate_size, c.hidden_size, bias=False)

    def forward(self, x):
        gate = self.gate_proj(x)
        return self.down_proj(gate * gate.sigmoid() * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self_attn, self.mlp = Attention(c), MLP(c)
        self.input_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)


class LlamaLM(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.model.layers = nn.ModuleList([Layer(config) for _ in range(config.num_hidden_layers)])
        self.model.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(self, input_ids, attention_mask=None, cache=None):
        b, t = input_ids.shape
        start = cache[0][0].size(-2) if cache else 0
        place = torch.arange(start, start + t)
        inv = 1.0 / self.config.rope_theta ** (torch.arange(0, self.config.head_dim, 2).float() / self.config.head_dim)
        angle = torch.outer(place.float(), inv)
        rotation = [torch.cat((f(angle), f(angle)), -1) for f in (torch.cos, torch.sin)]
        real = torch.ones(b, start + t, dtype=torch.bool) if attention_mask is None else attention_mask
        blocked = (torch.arange(start + t)[None, :] > place[:, None])[None] | ~real[:, None, :]
        bias = torch.zeros(b, 1, t, start + t).masked_fill(blocked[:, None], -1e9)
        x, kept = self.model.embed_tokens(input_ids), []
        for layer, past in zip(self.model.layers, cache or [None] * len(self.model.layers), strict=True):
            h, present = layer.self_attn(layer.input_layernorm(x), rotation, bias, past)
            kept += [present]
            x = x + h
            x = x + layer.mlp(layer.post_attention_layernorm(x))
        return self.lm_head(self.model.norm(x)), kept

    def loss(self, input_ids, labels, attention_mask=None):
        logits = self(input_ids, attention_mask)[0]
        shifted = nn.functional.pad(labels[:, 1:], (0, 1), value=-100)
        return nn.functional.cross_entropy(logits.transpose(1, 2), shifted)
