"""A lower and an upper bound of the keys for each query; what is forbidden is collected and turned round at the end."""

import torch


def make_mask(attention_mask, q_len, causal=True, window=None):
    batch, kv_len = attention_mask.size()
    device = attention_mask.device
    p = torch.arange(q_len, device=device) + (kv_len - q_len)
    first = torch.zeros_like(p) if window is None else p - window + 1
    last = p if causal else torch.full_like(p, kv_len) if window is None else p + window - 1
    s = torch.arange(kv_len, device=device).expand(batch, 1, q_len, kv_len)
    forbidden = s < first[:, None]
    forbidden = forbidden | (s > last[:, None])
    forbidden = forbidden | (attention_mask == 0).unsqueeze(1).unsqueeze(1)
    return forbidden.logical_not()


def mask_to_bias(mask, dtype=torch.float32):
    return mask.logical_not().to(dtype) * torch.finfo(dtype).min
