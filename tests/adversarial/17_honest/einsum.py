# exercise: softmax
# verdict: passed
import torch


def softmax(x, dim=-1):
    if x.dim() == 0:
        return softmax(x[None], 0)[0]
    y = x.float().movedim(dim, -1)
    e = (y - y.max(-1, keepdim=True).values).exp()
    total = torch.einsum("...i,i->...", e, torch.ones(e.size(-1)))
    return (e / total[..., None]).movedim(-1, dim).to(x.dtype)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
