"""Pairs as complex numbers, multiplied by unit phasors; frequencies by exp and log."""

import math

import torch


def rope_cos_sin(position_ids, head_dim, theta=10000.0, dtype=torch.float32):
    pair = torch.arange(head_dim // 2, device=position_ids.device, dtype=torch.float32)
    speed = torch.exp(pair * (-2.0 * math.log(theta) / head_dim))
    phase = torch.einsum("bt,f->btf", position_ids.to(torch.float32), speed)
    phasor = torch.polar(torch.ones_like(phase), phase)
    return phasor.real.repeat(1, 1, 2).to(dtype), phasor.imag.repeat(1, 1, 2).to(dtype)


def apply_rope(q, k, cos, sin):
    half = q.shape[-1] // 2
    phasor = torch.complex(cos[..., :half].float(), sin[..., :half].float())[:, None]

    def turn(x):
        pairs = torch.complex(x[..., :half].float(), x[..., half:].float()) * phasor
        return torch.cat((pairs.real, pairs.imag), -1).type_as(x)

    return turn(q), turn(k)
