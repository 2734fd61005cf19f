# Generated from solutions/functions/perplexity.py; do not edit. thinkllm dev render
"""Perplexity of a causal language model: of a padded batch, and of a text longer than the model's window.

Source: https://huggingface.co/docs/transformers/perplexity
Dimensions: B batch, T sequence, V vocabulary, N scored tokens.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor


def perplexity(logits: Tensor, input_ids: Tensor, attention_mask: Tensor) -> float:
    """Return exp of the mean negative log-likelihood of all tokens that are scored.

    Args:
        logits: (B, T, V); position t predicts the token at t + 1. Anything, NaN too, where the mask is False.
        input_ids: (B, T) int64.
        attention_mask: (B, T) bool, True at real tokens, which lie side by side in each row.
    """
    raise NotImplementedError("blank 1: perplexity")


def strided_perplexity(token_nlls: Callable[[Tensor], Tensor], input_ids: Tensor, max_len: int, stride: int) -> float:
    """Return the perplexity of a text by windows that overlap, each token scored once.

    Args:
        token_nlls: takes a window of k tokens, returns (k - 1,): the negative log-likelihoods of all but the first.
        input_ids: (n,) int64, at least two tokens.
        max_len: the longest window.
        stride: how far a window starts behind the one before, less than max_len.
    """
    raise NotImplementedError("blank 2: strided_perplexity")
