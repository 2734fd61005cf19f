"""Multiplies by a tensor of slopes, 1 or negative_slope, computed in float32."""

import torch


def _slopes(x, negative_slope):
    slopes = torch.full(x.shape, float(negative_slope))
    slopes[x > 0] = 1.0
    return slopes


def leaky_relu(x, negative_slope=0.01):
    return (x.float() * _slopes(x, negative_slope)).to(x.dtype)


def leaky_relu_backward(grad_out, x, negative_slope=0.01):
    return (grad_out.float() * _slopes(x, negative_slope)).to(x.dtype)
