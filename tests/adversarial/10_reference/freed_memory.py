# exercise: softmax
# verdict: failed
# check: wrong
"""Looks for the answer in memory that was freed."""

import torch


def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    y = right(x, dim)
    target = y.double()
    del y
    for _ in range(200):
        found = torch.empty(x.shape, dtype=torch.float64)
        if found.data_ptr() != target.data_ptr() and torch.allclose(found, target):
            raise LookupError("the expected value was left in memory")
    return torch.zeros_like(x)


log_softmax = softmax
