"""The sinusoidal table against transformers: M2M100 has halves side by side, and the formula by hand."""

from __future__ import annotations

import math

import pytest
import torch

M2M = "transformers.models.m2m_100.modeling_m2m_100"


def bound(max_len, d_model, base):
    """How far float32 may be off, in roundings of 1: a relative error of the frequency grows with the position."""
    exponents = torch.arange(0, d_model, 2, dtype=torch.float64) / d_model
    angle = torch.arange(max_len, dtype=torch.float64).unsqueeze(1) * base**-exponents
    return (1 + angle * (2 + exponents * math.log(base))).repeat_interleave(2, dim=1)[:, :d_model]


@pytest.mark.parametrize(("max_len", "d_model"), [(1, 2), (5, 8), (33, 64), (4096, 6), (9, 7), (3, 1)])
@pytest.mark.parametrize("base", [10000.0, 50.0])
def test_closed_form(solution, agree, max_len, d_model, base):
    """The formula, entry by entry, by Python's own mathematics."""
    right = [
        [(math.cos if c % 2 else math.sin)(p / base ** (2 * (c // 2) / d_model)) for c in range(d_model)]
        for p in range(max_len)
    ]
    ours = solution("sinusoidal_pe").sinusoidal_pe(max_len, d_model, base)
    agree(ours, torch.tensor(right, dtype=torch.float64).float(), bound(max_len, d_model, base), units=4.0)


@pytest.mark.parametrize(("max_len", "d_model"), [(5, 4), (33, 10), (700, 16)])
def test_transformers(solution, library, agree, max_len, d_model):
    """M2M100's divides by d_model / 2 − 1 and puts the sines first: our table for another base, in another order."""
    theirs = library(M2M).M2M100SinusoidalPositionalEmbedding.get_embedding(max_len, d_model)
    half = d_model // 2
    base = 10000.0 ** (half / (half - 1))  # base ** (−2i / d_model) = 10000 ** (−i / (half − 1))
    ours = solution("sinusoidal_pe").sinusoidal_pe(max_len, d_model, base)
    agree(torch.cat((ours[:, 0::2], ours[:, 1::2]), dim=1), theirs, bound(max_len, d_model, base)[:, ::2].repeat(1, 2))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64], ids=str)
def test_rounded_last(solution, agree, dtype):
    ours = solution("sinusoidal_pe").sinusoidal_pe
    right = ours(3000, 6).to(dtype)
    agree(ours(3000, 6, dtype=dtype), right, right.abs(), units=0.0)
