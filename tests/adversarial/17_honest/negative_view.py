# exercise: softmax
# verdict: passed
"""An answer that is a lazy view, with strides of its own."""

import torch


def softmax(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    y = torch._neg_view(-e / e.sum(dim, keepdim=True))
    return y.mT.contiguous().mT.to(x.dtype) if y.dim() > 1 else y.to(x.dtype)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
