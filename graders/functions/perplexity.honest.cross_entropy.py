"""F.cross_entropy with ignored labels; the windows as in the documentation of transformers."""

import math

import torch
import torch.nn.functional as F


def perplexity(logits, input_ids, attention_mask):
    labels = input_ids.masked_fill(~attention_mask, -100)[:, 1:].clone()
    labels[~attention_mask[:, :-1]] = -100
    shifted = logits[:, :-1].float() if logits.dtype != torch.float64 else logits[:, :-1]
    shifted = shifted.reshape(-1, logits.size(-1))
    loss = F.cross_entropy(shifted, labels.reshape(-1), ignore_index=-100, reduction="mean")
    return math.exp(loss.item())


def strided_perplexity(token_nlls, input_ids, max_len, stride):
    seq_len = input_ids.size(0)
    nll_sum, n_tokens, prev_end = 0.0, 0, 0
    for begin in range(0, seq_len, stride):
        end = min(begin + max_len, seq_len)
        target_len = end - prev_end
        window_nlls = token_nlls(input_ids[begin:end].clone())
        valid = window_nlls[max(len(window_nlls) - target_len, 0) :]
        nll_sum += float(valid.double().sum())
        n_tokens += valid.numel()
        prev_end = end
        if end == seq_len:
            break
    return math.exp(nll_sum / n_tokens)
