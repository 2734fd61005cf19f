# exercise: softmax
# verdict: passed
# also: spawn
"""A right answer passes whatever was patched beside it."""

import random
import sys
import time

import numpy
import torch

torch.allclose = torch.equal = torch.isclose = lambda *args, **kwargs: False
torch.Tensor.allclose = lambda *args, **kwargs: False
torch.manual_seed = random.seed = numpy.random.seed = lambda *args: None
time.monotonic = time.time = time.perf_counter = lambda: 0.0
sys.excepthook = sys.unraisablehook = lambda *args: None


def softmax(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
