# exercise: softmax
# verdict: failed
# check: limit
# says: GB
# needs: linux
# also: spawn, open
import torch


def softmax(x, dim=-1):
    return torch.empty(100 << 30, dtype=torch.uint8)


log_softmax = softmax
