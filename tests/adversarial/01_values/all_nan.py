# exercise: softmax
# verdict: failed
# check: wrong
# also: spawn
import torch


def softmax(x, dim=-1):
    return torch.full_like(x, torch.nan)


log_softmax = softmax
