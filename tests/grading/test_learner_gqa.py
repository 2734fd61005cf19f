"""GQA as one might write it from the statement alone: the wrong answers are rejected, the honest ones pass."""

from __future__ import annotations

import pytest

HEAD = """
import math
import torch
import torch.nn.functional as F
from torch import Tensor, nn

class GroupedQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, head_dim=None, bias=False):
        super().__init__()
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        self.head_dim = head_dim if head_dim is not None else d_model // num_heads
        self.q_proj = nn.Linear(d_model, num_heads * self.head_dim, bias=bias)
        self.k_proj = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=bias)
        self.v_proj = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=bias)
        self.o_proj = nn.Linear(num_heads * self.head_dim, d_model, bias=bias)
"""
FOLDED = """
    def forward(self, x, mask=None, is_causal=True):
        B, T, _ = x.shape
        H, G, D = self.num_heads, self.num_kv_heads, self.head_dim
        R = H // G
        q = self.q_proj(x).view(B, T, G, R, D).permute(0, 2, 3, 1, 4).reshape(B, G, R * T, D)
        k = self.k_proj(x).view(B, T, G, D).transpose(1, 2)
        v = self.v_proj(x).view(B, T, G, D).transpose(1, 2)
        scores = (q @ k.transpose(-1, -2) / math.sqrt(D)).view(B, G, R, T, T)
        ok = torch.ones(T, T, dtype=torch.bool, device=x.device)
        if is_causal:
            ok = ok.tril()
        ok = ok.expand(B, 1, 1, T, T)
        if mask is not None:
            ok = ok & mask[:, :, None]
        weights = scores.masked_fill(~ok, float("-inf")).softmax(-1)
        weights = torch.where(ok, weights, torch.zeros((), dtype=weights.dtype))
        out = (weights.view(B, G, R * T, T) @ v).view(B, G, R, T, D)
        out = out.permute(0, 3, 1, 2, 4).reshape(B, T, H * D)
        return self.o_proj(out)
"""

QK, GROUPED = "q @ k.transpose(-1, -2)", ".view(B, T, G, R, D).permute(0, 2, 3, 1, 4)"
ZEROED = "weights = torch.where(ok, weights, torch.zeros((), dtype=weights.dtype))"
BY_SUM = "weights = (weights / weights.sum(-1, keepdim=True)).nan_to_num()"
SDPA = "F.scaled_dot_product_attention(q.view(B, G, R, T, D), k[:, :, None], v[:, :, None], attn_mask=ok)"
# edits of the answer above
WRONG = {
    "groups and members swapped in the query": [(GROUPED, ".view(B, T, R, G, D).permute(0, 3, 2, 1, 4)")],
    "heads merged member-major": [("out.permute(0, 3, 1, 2, 4)", "out.permute(0, 3, 2, 1, 4)")],
    "multiplied by the root": [("/ math.sqrt(D)", "* math.sqrt(D)")],
    "future allowed by one": [("ok.tril()", "ok.tril(1)")],
    "mask or causal": [("ok & mask[:, :, None]", "ok | mask[:, :, None]")],
    "mask of the first sequence for all": [("mask[:, :, None]", "mask[:1, :, None]")],
    "mask over queries, not keys": [("mask[:, :, None]", "mask[:, :, None].mT")],
    "dead rows are NaN": [(ZEROED, "pass")],
    "dead rows average the values": [('float("-inf")', "-1e30"), (ZEROED, "pass")],
    "dead rows by nan_to_num, with a gradient of NaN": [(".softmax(-1)", ".exp()"), (ZEROED, BY_SUM)],
    "keys and values swapped": [("scores = (q @ k", "k, v = v, k\n        scores = (q @ k")],
    "softmax over heads": [(".softmax(-1)", ".softmax(2)")],
    "dropout left on": [("weights = torch.where", "weights = F.dropout(weights, 0.1)\n        weights = torch.where")],
    "keys expanded and copied": [
        (QK, "q.view(B, H, T, D) @ k[:, :, None].expand(B, G, R, T, D).reshape(B, H, T, D).mT")
    ],
    "keys expanded, and copied by matmul": [(QK, "q.view(B, G, R, T, D) @ k.unsqueeze(2).transpose(-1, -2)")],
    "torch's own attention": [("out = out.permute", f"out = {SDPA}\n        out = out.permute")],
    "softmax in half precision": [(".softmax(-1)", ".half().softmax(-1).float()")],
}

LOOP = """
    def forward(self, x, mask=None, is_causal=True):
        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        D, R = self.head_dim, self.num_heads // self.num_kv_heads
        heads = []
        for h in range(self.num_heads):
            g = h // R
            qh, kh, vh = q[..., h * D : (h + 1) * D], k[..., g * D : (g + 1) * D], v[..., g * D : (g + 1) * D]
            scores = torch.bmm(qh, kh.mT) * D**-0.5
            if is_causal:
                scores = scores + torch.full_like(scores, -torch.inf).triu(1)
            if mask is not None:
                scores = torch.where(mask[:, 0], scores, -torch.inf)
            dead = scores.isneginf().all(-1, keepdim=True)
            weights = torch.softmax(scores.masked_fill(dead, 0.0), -1).masked_fill(dead, 0.0)
            heads.append(torch.bmm(weights, vh))
        return self.o_proj(torch.cat(heads, -1))
"""
BY_HAND = """
    def forward(self, x, mask=None, is_causal=True):
        B, T, _ = x.shape
        G, D = self.num_kv_heads, self.head_dim
        q, k, v = self.q_proj(x).reshape(B, T, G, -1, D), self.k_proj(x).reshape(B, T, G, D), self.v_proj(x)
        v = v.unflatten(-1, (G, D))
        scores = torch.einsum("btgrd,bsgd->bgrts", q * self.head_dim**-0.5, k)
        bias = torch.zeros(T, T)
        if is_causal:
            bias = bias.masked_fill(torch.arange(T)[None] > torch.arange(T)[:, None], -math.inf)
        if mask is not None:
            bias = bias + torch.zeros(mask.shape).masked_fill(mask.logical_not(), -math.inf)
            bias = bias.unsqueeze(2)
        scores = scores + bias
        top = scores.detach().amax(-1, keepdim=True)
        e = (scores - torch.where(top.isinf(), torch.zeros_like(top), top)).exp()
        total = e.sum(-1, keepdim=True)
        weights = e / torch.where(total == 0, torch.ones_like(total), total)
        return self.o_proj(torch.einsum("bgrts,bsgd->btgrd", weights, v).flatten(2))
"""
HONEST = {
    "folded": FOLDED,
    "a loop over heads": LOOP,
    "softmax by hand, an additive mask": BY_HAND,
    "scale in the query": FOLDED.replace(" / math.sqrt(D)", "").replace("self.q_proj(x)", "(self.q_proj(x) * D**-0.5)"),
    "finite fill, zeros after": FOLDED.replace('float("-inf")', "torch.finfo(scores.dtype).min"),
    "in double inside": FOLDED.replace("scores.masked", "scores.double().masked").replace(
        "(weights.view", "(weights.to(v.dtype).view"
    ),
}


def _edited(swaps):
    source = FOLDED
    for old, new in swaps:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return source


@pytest.fixture(scope="module")
def verdicts(judge):
    sources = {name: HEAD + _edited(swaps) for name, swaps in WRONG.items()}
    sources |= {name: HEAD + source for name, source in HONEST.items()}
    graded = judge.each("gqa", sources.values(), diagnose=False)
    return {name: graded[source] for name, source in sources.items()}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_rejected(verdicts, say, name):
    assert verdicts[name].status == "failed"
    assert set(say.failed(verdicts[name]).values()) <= {"wrong", "contract", "rule", "error"}


@pytest.mark.parametrize("name", HONEST)
def test_honest_answers_pass(verdicts, say, name):
    assert say.failed(verdicts[name]) == {}
