# exercise: softmax
# verdict: failed
# check: wrong
# also: spawn, open
import torch


def softmax(x, dim=-1):
    return torch.zeros_like(x)


log_softmax = softmax
