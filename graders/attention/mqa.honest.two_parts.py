"""Past and new keys scored apart and joined afterwards, with exponentials by hand, as a paged kernel would."""

import math

import torch
from torch import nn


class MultiQueryAttention(nn.Module):
    def __init__(self, d_model: int, num_heads: int, bias: bool = False):
        super().__init__()
        self.num_heads = num_heads
        size = d_model // num_heads
        for name, out in (("q_proj", d_model), ("k_proj", size), ("v_proj", size), ("o_proj", d_model)):
            self.add_module(name, nn.Linear(d_model, out, bias=bias))

    def part(self, q, k, v, allowed):
        """Unnormalised output, sum and maximum of one part of the keys."""
        s = torch.einsum("bthd,bsd->bths", q, k[:, 0]) / math.sqrt(k.shape[-1])
        s = s.masked_fill(~allowed, -1e30)
        m = s.amax(-1, keepdim=True)
        e = (s - m).exp() * allowed
        return torch.einsum("bths,bsd->bthd", e, v[:, 0]), e.sum(-1, keepdim=True), m

    def forward(self, x, past_kv=None, mask=None):
        b, t, width = x.shape
        q = self.q_proj(x).unflatten(-1, (self.num_heads, -1))
        k, v = self.k_proj(x)[:, None], self.v_proj(x)[:, None]
        past = 0 if past_kv is None else past_kv[0].size(2)
        mask = torch.ones(1, 1, 1, past + t, dtype=torch.bool) if mask is None else mask
        mask = mask.movedim(1, 2)
        causal = torch.ones(t, t, dtype=torch.bool).tril()[None, :, None, :]
        o, total, top = self.part(q, k, v, mask[..., past:] & causal)
        if past_kv is not None:
            o2, total2, top2 = self.part(q, *past_kv, mask[..., :past])
            m = torch.maximum(top, top2).detach()
            a, c = (top - m).exp(), (top2 - m).exp()
            o, total = o * a + o2 * c, total * a + total2 * c
            k, v = torch.cat((past_kv[0], k), 2), torch.cat((past_kv[1], v), 2)
        o = o / torch.where(total > 0, total, 1.0)
        return self.o_proj(o.reshape(b, t, width)), (k, v)
