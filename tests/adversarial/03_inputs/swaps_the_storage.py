# exercise: softmax
# verdict: failed
# check: contract
"""The same tensor on another storage, with other numbers."""

import torch


def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    y = right(x, dim)
    x.set_(torch.zeros_like(x))
    return y


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
