# exercise: softmax
# verdict: passed
import torch


def softmax(x, dim=-1):
    if x.dim() == 0:
        return softmax(x[None], 0)[0]
    y = x.float()
    chunks = y.split(128, dim)
    peak = torch.stack([c.amax(dim) for c in chunks]).amax(0).unsqueeze(dim)
    exps = [(c - peak).exp() for c in chunks]
    total = sum(e.sum(dim, keepdim=True) for e in exps)
    return torch.cat([e / total for e in exps], dim).to(x.dtype)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
