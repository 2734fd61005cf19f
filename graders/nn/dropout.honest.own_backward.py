"""An autograd function of its own that keeps the mask as uint8; scaled in float32."""

import torch


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, uniforms, p):
        mask = (uniforms >= p).to(torch.uint8)
        ctx.save_for_backward(mask)
        ctx.survival = 1.0 - p
        return _Dropout.scaled(ctx, x, mask)

    @staticmethod
    def scaled(ctx, x, mask):
        if ctx.survival == 0:
            return torch.zeros_like(x)
        return (x.float().masked_fill(mask == 0, 0.0) / ctx.survival).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (mask,) = ctx.saved_tensors
        return _Dropout.scaled(ctx, grad, mask), None, None


def dropout(x, uniforms, p=0.5, training=True):
    if not (0.0 <= p <= 1.0):
        raise ValueError(p)
    return _Dropout.apply(x, uniforms, p) if training else x
