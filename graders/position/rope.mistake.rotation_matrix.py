"""Right numbers by a head_dim × head_dim rotation matrix for every token."""

import torch


def rope_cos_sin(position_ids, head_dim, theta=10000.0, dtype=torch.float32):
    inv_freq = theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angles = position_ids[..., None].float() * inv_freq
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def apply_rope(q, k, cos, sin):
    half = q.shape[-1] // 2
    eye = torch.eye(half, dtype=cos.dtype)
    zero = torch.zeros_like(eye)
    quarter = torch.cat((torch.cat((zero, -eye), 1), torch.cat((eye, zero), 1)), 0)
    matrix = torch.diag_embed(cos) + sin[..., :, None] * quarter  # (B, T, D, D)

    def rotate(x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return (matrix[:, None].to(wide.dtype) @ wide[..., None])[..., 0].to(x.dtype)

    return rotate(q), rotate(k)
