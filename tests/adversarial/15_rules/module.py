# exercise: softmax
# verdict: failed
# check: rule
import torch


def softmax(x, dim=-1):
    return torch.nn.Softmax(dim)(x)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
