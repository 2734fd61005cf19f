# exercise: softmax
# verdict: passed
# also: spawn, open
"""Maximum and sum in one pass over four pieces, each rescaling what came before."""

import torch


def statistics(x, dim):
    y = x.float().movedim(dim, -1)
    width = -(-y.size(-1) // 4)
    peak, total = torch.full(y.shape[:-1], -torch.inf), torch.zeros(y.shape[:-1])
    for start in (0, width, 2 * width, 3 * width):
        piece = torch.nn.functional.pad(y, (0, 4 * width - y.size(-1)), value=-torch.inf)[..., start : start + width]
        new = torch.maximum(peak, piece.amax(-1))
        shift = torch.where(new.isinf(), 0.0, new).detach()
        total = total * (peak - shift).exp() + (piece - shift.unsqueeze(-1)).exp().sum(-1)
        peak = new.detach()
    return y, peak.unsqueeze(-1), total.unsqueeze(-1)


def softmax(x, dim=-1):
    if x.dim() == 0:
        return softmax(x[None], 0)[0]
    y, peak, total = statistics(x, dim)
    return ((y - peak).exp() / total).movedim(-1, dim).to(x.dtype)


def log_softmax(x, dim=-1):
    if x.dim() == 0:
        return log_softmax(x[None], 0)[0]
    y, peak, total = statistics(x, dim)
    return (y - peak - total.log()).movedim(-1, dim).to(x.dtype)
