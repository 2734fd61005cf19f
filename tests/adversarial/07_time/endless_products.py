# exercise: softmax
# verdict: failed
# check: timeout
# seconds: 1
import torch


def softmax(x, dim=-1):
    y = torch.ones(600, 600)
    while True:
        y @ y


def log_softmax(x, dim=-1):
    return x
