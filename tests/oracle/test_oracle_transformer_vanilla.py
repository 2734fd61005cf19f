"""The whole model against torch's nn.Transformer with copied weights, the biases of attention 0 and no norm at the end.

Positions are compared with a table of Python's own sines; greedy decoding with every prefix scored anew.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

SIZES = [  # layers, batch, src_len, tgt_len, d_model, num_heads, d_ff
    (1, 1, 3, 2, 4, 2, 4),
    (2, 3, 6, 5, 8, 2, 12),
    (2, 2, 5, 9, 12, 4, 7),
]
DTYPES = [torch.float32, torch.float64]
PAD = 3


def model_of(module, size, dtype):
    layers, _, _, _, d_model, heads, d_ff = size
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        model = module.Transformer(9, 11, d_model, heads, layers, d_ff, 16, PAD)
    finally:
        torch.set_default_dtype(before)
    for p in model.parameters():
        nn.init.normal_(p, std=0.5)
    return model


def oracle_of(size, dtype):
    layers, _, _, _, d_model, heads, d_ff = size
    oracle = nn.Transformer(d_model, heads, layers, layers, d_ff, 0.0, batch_first=True, dtype=dtype)
    oracle.encoder.norm = oracle.decoder.norm = None
    return oracle


def renamed(w):
    """Our weights by the names of torch's model."""
    weights = {}
    for name, value in w.items():
        if "embed" in name:
            continue
        stack, rest = name.split(".", 1)
        name = f"{stack}.layers.{rest}".replace("fc", "linear").replace("cross_attn", "multihead_attn")
        if "_attn." not in name:
            weights[name] = value
            continue
        base, _, part = name.removesuffix(".weight").rpartition(".")
        ours = f"{stack}.{rest}".removesuffix(f".{part}.weight")
        if part == "o_proj":
            weights[f"{base}.out_proj.weight"] = value
            weights[f"{base}.out_proj.bias"] = torch.zeros_like(value[0])
        elif part == "q_proj":
            weights[f"{base}.in_proj_weight"] = torch.cat([w[f"{ours}.{n}_proj.weight"] for n in "qkv"])
            weights[f"{base}.in_proj_bias"] = torch.zeros_like(value[0]).repeat(3)
    return weights


def tokens(vocab, batch, length):
    ids = torch.randint(0, vocab - 1, (batch, length))
    ids += ids >= PAD
    for row in range(1, batch):
        ids[row, max(2, length - row) :] = PAD
    return ids


def positions(length, d_model, dtype):
    rows = [
        [(math.cos if j % 2 else math.sin)(p / 10000 ** ((j - j % 2) / d_model)) for j in range(d_model)]
        for p in range(length)
    ]
    return torch.tensor(rows, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_positions(solution, agree, dtype):
    found = model_of(solution("transformer_vanilla"), (1, 1, 1, 1, 10, 1, 4), dtype).positions
    agree(found, positions(16, 10, dtype), 1.0 + torch.arange(16.0).unsqueeze(1))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, agree, conditioning, pulled, size, dtype):
    model = model_of(solution("transformer_vanilla"), size, dtype)
    oracle = oracle_of(size, dtype)
    _, batch, src_len, tgt_len, d_model, *_ = size
    src, tgt = tokens(9, batch, src_len), tokens(11, batch, tgt_len)
    later = torch.ones(tgt_len, tgt_len, dtype=torch.bool).triu(1)
    names = [name for name, _ in model.named_parameters()]

    def ours(*values):
        weights = dict(zip(names, values, strict=True))
        if values[0].dtype is torch.float64:
            weights["positions"] = model.positions.double()
        return torch.func.functional_call(model, weights, (src, tgt))

    def theirs(*values):
        w = dict(zip(names, values, strict=True))
        embedded = [
            F.embedding(ids, w[f"{side}_embed.weight"]) * d_model**0.5 + positions(ids.shape[1], d_model, dtype)
            for side, ids in (("src", src), ("tgt", tgt))
        ]
        masks = {
            "tgt_mask": later,
            "src_key_padding_mask": src == PAD,
            "tgt_key_padding_mask": tgt == PAD,
            "memory_key_padding_mask": src == PAD,
        }
        return torch.func.functional_call(oracle, renamed(w), tuple(embedded), masks) @ w["tgt_embed.weight"].T

    inputs = [p.detach() for p in model.parameters()]
    scales = conditioning(lambda *values: pulled(ours, values), inputs)
    for mine, right, scale in zip(pulled(ours, inputs), pulled(theirs, inputs), scales, strict=True):
        agree(mine, right, scale, 32)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_loss(solution, agree, size):
    model = model_of(solution("transformer_vanilla"), size, torch.float64)
    _, batch, src_len, tgt_len, *_ = size
    src, tgt = tokens(9, batch, src_len), tokens(11, batch, tgt_len + 1)
    logp = model(src, tgt[:, :-1]).log_softmax(-1)
    told = [-logp[b, t, tgt[b, t + 1]] for b in range(batch) for t in range(tgt_len) if tgt[b, t + 1] != PAD]
    agree(model.loss(src, tgt), torch.stack(told).mean(), max(told).detach())


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_greedy(solution, size):
    model = model_of(solution("transformer_vanilla"), size, torch.float64)
    _, batch, src_len, *_ = size
    src = tokens(9, batch, src_len)
    for eos_id in range(11):
        rows = []
        for row in src:
            said = [1]
            while len(said) < 8 and (len(said) == 1 or said[-1] != eos_id):
                logits = model(row[None], torch.tensor([said]))[0, -1].tolist()
                said.append(max((token for token in range(11) if token != PAD), key=logits.__getitem__))
            rows.append(said)
        if eos_id == PAD:
            continue
        longest = max(map(len, rows))
        right = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
        assert torch.equal(model.greedy(src, 1, eos_id, 7), right)
