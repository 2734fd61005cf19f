"""Each row's sum as a batched product of a row vector and a column vector; one function through the other."""

import torch


def log_softmax_backward(grad_out, log_y, dim=-1):
    kind = torch.promote_types(log_y.dtype, torch.float32)
    g = grad_out.transpose(dim, -1).to(kind)
    p = log_y.transpose(dim, -1).to(kind).exp()
    ones = torch.ones(g.shape[-1], 1, dtype=kind)
    out = torch.addcmul(g, p, g @ ones, value=-1.0)
    return out.transpose(dim, -1).to(log_y.dtype)


def softmax_backward(grad_out, y, dim=-1):
    """The gradient of log y is g · y; then it is the backward pass of log-softmax."""
    kind = torch.promote_types(y.dtype, torch.float32)
    p = y.to(kind)
    return log_softmax_backward(grad_out.to(kind) * p, torch.log(p), dim).to(y.dtype)
