# exercise: softmax
# verdict: failed
# check: wrong
# needs: sandbox
"""Replaces the learner's file by a right one while it is graded."""

import torch

try:
    with open(__file__, "w") as file:
        file.write("changed")
except OSError:
    pass


def softmax(x, dim=-1):
    return torch.zeros_like(x)


log_softmax = softmax
