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
    # region blank: which predictions are scored, and against which tokens
    scored = attention_mask[:, :-1] & attention_mask[:, 1:]
    targets = input_ids[:, 1:][scored]  # (N,)
    # endregion
    # region blank: the negative log-likelihood of each, in float32 or wider
    chosen = logits[:, :-1][scored].to(torch.promote_types(logits.dtype, torch.float32))  # (N, V)
    nlls = -chosen.log_softmax(dim=-1).gather(-1, targets.unsqueeze(-1))
    # endregion
    # region blank: one mean over all of them, then the exponential
    return nlls.mean().exp().item()
    # endregion


def strided_perplexity(token_nlls: Callable[[Tensor], Tensor], input_ids: Tensor, max_len: int, stride: int) -> float:
    """Return the perplexity of a text by windows that overlap, each token scored once.

    Args:
        token_nlls: takes a window of k tokens, returns (k - 1,): the negative log-likelihoods of all but the first.
        input_ids: (n,) int64, at least two tokens.
        max_len: the longest window.
        stride: how far a window starts behind the one before, less than max_len.
    """
    n = len(input_ids)
    total, done = 0.0, 1  # tokens before `done` are scored; the first of all has no prediction
    for begin in range(0, n, stride):
        # region blank: score the window; add those of its tokens that no earlier window held
        end = min(begin + max_len, n)
        nlls = token_nlls(input_ids[begin:end])  # of the tokens begin + 1, …, end - 1
        total += nlls[done - begin - 1 :].sum().item()
        # endregion
        # region blank: remember how far it got; stop at the end of the text
        done = end
        if done == n:
            break
        # endregion
    return math.exp(total / (n - 1))
