# exercise: softmax
# verdict: failed
# check: contract wrong
import torch


def softmax(x, dim=-1):
    x.zero_()
    return torch.zeros_like(x)


log_softmax = softmax
