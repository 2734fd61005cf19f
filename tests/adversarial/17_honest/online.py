# exercise: softmax
# verdict: passed
# also: spawn, open
"""One pass for the maximum and the sum, in a loop over the entries."""

import torch


def statistics(x, dim):
    y = x.float().movedim(dim, -1)
    peak = torch.full(y.shape[:-1], -torch.inf)
    total = torch.zeros(y.shape[:-1])
    for column in y.unbind(-1):
        new = torch.maximum(peak, column)
        shift = torch.where(new.isinf(), 0.0, new)
        total = total * (peak - shift).exp() + (column - shift).exp()
        peak = new
    return y, peak.detach().unsqueeze(-1) if not y.requires_grad else peak.unsqueeze(-1), total.unsqueeze(-1)


def log_softmax(x, dim=-1):
    if x.dim() == 0:
        return log_softmax(x[None], 0)[0]
    if x.size(dim) > 2000:
        y = x.float() - x.float().amax(dim, keepdim=True)
        return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
    y, peak, total = statistics(x, dim)
    return (y - peak - total.log()).movedim(-1, dim).to(x.dtype)


def softmax(x, dim=-1):
    if x.dim() == 0:
        return softmax(x[None], 0)[0]
    y = x.float()
    if x.size(dim) > 2000:
        e = (y - y.amax(dim, keepdim=True)).exp()
        return (e / e.sum(dim, keepdim=True)).to(x.dtype)
    y, peak, total = statistics(x, dim)
    return ((y - peak).exp() / total).movedim(-1, dim).to(x.dtype)
