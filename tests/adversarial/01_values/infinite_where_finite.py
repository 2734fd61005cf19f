# exercise: softmax
# verdict: failed
# check: wrong
import torch


def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    return right(x, dim)


def log_softmax(x, dim=-1):
    y = right(x, dim).log()
    return torch.where(y < -5, -torch.inf, y)
