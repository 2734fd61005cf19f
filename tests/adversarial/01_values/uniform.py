# exercise: softmax
# verdict: failed
# check: wrong
import torch


def softmax(x, dim=-1):
    return torch.full_like(x, 1 / x.size(dim))


def log_softmax(x, dim=-1):
    return softmax(x, dim).log()
