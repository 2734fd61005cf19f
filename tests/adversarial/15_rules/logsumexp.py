# exercise: softmax
# verdict: failed
# check: rule
import torch


def softmax(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def log_softmax(x, dim=-1):
    return x - torch.special.logsumexp(x, dim, keepdim=True)
