# exercise: softmax
# verdict: failed
# check: rule
"""Right numbers, at the cost of a Python loop."""

import torch


def row(x):
    e = (x - x.max()).exp()
    return e / e.sum()


def softmax(x, dim=-1):
    if x.dim() == 0:
        return softmax(x[None], 0)[0]
    y = x.float().movedim(dim, -1)
    rows = [row(r) for r in y.reshape(-1, y.size(-1))]
    return torch.stack(rows).reshape(y.shape).movedim(-1, dim).to(x.dtype)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
