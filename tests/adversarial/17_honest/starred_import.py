# exercise: softmax
# verdict: passed
from math import *  # noqa: F403
from torch import *  # noqa: F403
from typing import *  # noqa: F403

import torch


def softmax(x, dim=-1):
    y = x.float()
    e = exp(y - y.max(dim, keepdim=True).values)  # noqa: F405
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - torch.amax(y, dim, keepdim=True)
    return (y - torch.log(torch.sum(torch.exp(y), dim, keepdim=True))).to(x.dtype)
