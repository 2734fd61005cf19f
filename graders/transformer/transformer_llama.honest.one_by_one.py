"""New tokens one after the other, each through all layers, as in decoding; rotation by complex numbers."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
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


class Weights(nn.Module):
    """Named linear maps without bias, and named gains."""

    def __init__(self, maps, gains=()):
        super().__init__()
        for name, sizes in maps.items():
            self.add_module(name, nn.Linear(*sizes, bias=False))
        for name, size in gains:
            holder = nn.Module()
            holder.weight = nn.Parameter(torch.ones(size))
            self.add_module(name, holder)


def turned(x, position, theta):
    half = x.shape[-1] // 2
    speed = theta ** -(torch.arange(half) / half)
    pairs = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones(half), position * speed)
    return torch.cat((pairs.real, pairs.imag), -1)


class LlamaLM(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = c = config
        q, kv = c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim
        h, m = c.hidden_size, c.intermediate_size
        layers = nn.ModuleList()
        for _ in range(c.num_hidden_layers):
            layer = Weights({}, [("input_layernorm", h), ("post_attention_layernorm", h)])
            layer.self_attn = Weights({"q_proj": (h, q), "k_proj": (h, kv), "v_proj": (h, kv), "o_proj": (q, h)})
            layer.mlp = Weights({"gate_proj": (h, m), "up_proj": (h, m), "down_proj": (m, h)})
            layers.append(layer)
        self.model = Weights({}, [("norm", h)])
        self.model.embed_tokens = nn.Embedding(c.vocab_size, h)
        self.model.layers = layers
        self.lm_head = nn.Linear(h, c.vocab_size, bias=False)

    def normalised(self, x, norm):
        mean = x.pow(2).sum(-1, keepdim=True) / x.shape[-1]
        return x * (mean + self.config.rms_norm_eps) ** -0.5 * norm.weight

    def step(self, x, position, real, held):
        """One token of every row, (batch, hidden); `held` grows in place."""
        c = self.config
        for index, layer in enumerate(self.model.layers):
            h, a = self.normalised(x, layer.input_layernorm), layer.self_attn
            q = turned(a.q_proj(h).view(len(x), c.num_attention_heads, c.head_dim), position, c.rope_theta)
            k = turned(a.k_proj(h).view(len(x), c.num_key_value_heads, c.head_dim), position, c.rope_theta)
            v = a.v_proj(h).view(len(x), c.num_key_value_heads, c.head_dim)
            keys, values = (torch.cat((old, new[:, :, None]), 2) for old, new in zip(held[index], (k, v), strict=True))
            held[index] = (keys, values)
            heads = []
            for head in range(c.num_attention_heads):
                group = head * c.num_key_value_heads // c.num_attention_heads
                score = (keys[:, group] @ q[:, head, :, None])[..., 0] / c.head_dim**0.5
                e = (score - score.amax(-1, keepdim=True).detach()).exp() * real
                p = e / e.sum(-1, keepdim=True).clamp_min(1e-35)
                heads.append((p[:, None] @ values[:, group])[:, 0])
            x = x + a.o_proj(torch.cat(heads, -1))
            h, f = self.normalised(x, layer.post_attention_layernorm), layer.mlp
            x = x + f.down_proj(nn.functional.silu(f.gate_proj(h)) * f.up_proj(h))
        return self.lm_head(self.normalised(x, self.model.norm))

    def forward(self, input_ids, attention_mask=None, cache=None):
        b, t = input_ids.shape
        c = self.config
        if cache is None:
            empty = torch.zeros(b, c.num_key_value_heads, 0, c.head_dim)
            cache = [(empty, empty) for _ in range(c.num_hidden_layers)]
        held, past = list(cache), cache[0][0].shape[2]
        real = torch.ones(b, past + t) if attention_mask is None else attention_mask.float()
        vectors = self.model.embed_tokens(input_ids)
        logits = [self.step(vectors[:, i], past + i, real[:, : past + i + 1], held) for i in range(t)]
        return torch.stack(logits, 1), held

    def loss(self, input_ids, labels, attention_mask=None):
        logp = self.forward(input_ids, attention_mask)[0].log_softmax(-1)
        wanted = [(b, t) for b in range(len(labels)) for t in range(1, labels.shape[1]) if labels[b, t] != -100]
        return -torch.stack([logp[b, t - 1, labels[b, t]] for b, t in wanted]).mean()
