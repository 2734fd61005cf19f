# exercise: softmax
# verdict: failed
# check: contract
"""Turns into a plain tensor as soon as anybody copies it."""

import torch


class Plain(torch.Tensor):
    __torch_function__ = torch._C._disabled_torch_function_impl


def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    return right(x, dim).as_subclass(Plain)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype).as_subclass(Plain)
