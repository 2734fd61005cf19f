"""The form y (g − Σ g y); the sum by einsum on rows that were moved to the end."""

import torch


def _rows(t, dim):
    return t.float().movedim(dim, -1) if t.dtype != torch.float64 else t.movedim(dim, -1)


def softmax_backward(grad_out, y, dim=-1):
    g, p = _rows(grad_out, dim), _rows(y, dim)
    inner = torch.einsum("...n,...n->...", g, p)[..., None]
    return torch.mul(p, g - inner).movedim(-1, dim).to(y.dtype)


def log_softmax_backward(grad_out, log_y, dim=-1):
    g, p = _rows(grad_out, dim), torch.exp(_rows(log_y, dim))
    total = torch.einsum("...n->...", g)[..., None]
    return torch.sub(g, p * total).movedim(-1, dim).to(log_y.dtype)
