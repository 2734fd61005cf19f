"""Masks against those of transformers, whose window without causality is `distance <= window`: it gets one less."""

from __future__ import annotations

import pytest
import torch

SIZES = [(1, 1, 1), (2, 5, 5), (3, 1, 8), (4, 3, 9), (2, 17, 33)]  # batch, q_len, kv_len


def padded(kind, batch, kv_len):
    position, row = torch.arange(kv_len), torch.arange(batch)[:, None]
    return {
        "left": position >= row,
        "right": position < kv_len - row,
        "any": torch.rand(batch, kv_len) < 0.6,
    }[kind]


def pattern(masks, causal, window):
    if causal:
        return masks.sliding_window_causal_mask_function(window) if window else masks.causal_mask_function
    if window:
        return masks.sliding_window_bidirectional_mask_function(window - 1)
    return masks.bidirectional_mask_function


@pytest.mark.parametrize("padding", ["left", "right", "any"])
@pytest.mark.parametrize("causal", [True, False], ids=["causal", "all"])
@pytest.mark.parametrize("window", [None, 1, 3, 40], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_masks(solution, library, size, window, causal, padding):
    masks = library("transformers.masking_utils")
    batch, q_len, kv_len = size
    real = padded(padding, batch, kv_len)
    arguments = {
        "batch_size": batch,
        "q_length": q_len,
        "kv_length": kv_len,
        "q_offset": kv_len - q_len,
        "mask_function": pattern(masks, causal, window),
        "attention_mask": real,
    }
    right = masks.sdpa_mask(**arguments, allow_is_causal_skip=False)
    module = solution("causal_mask")
    mask = module.make_mask(real.long(), q_len, causal, window)
    assert torch.equal(mask, right)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        bias = masks.eager_mask(**arguments, dtype=dtype)
        found = module.mask_to_bias(mask, dtype)
        assert found.dtype == dtype
        assert torch.equal(found, bias)
