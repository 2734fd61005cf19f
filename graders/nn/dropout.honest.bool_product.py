"""Multiplied by the bool mask, divided at the end; the ends of p are taken out first."""


def dropout(x, uniforms, p=0.5, training=True):
    if p < 0 or p > 1:
        raise ValueError("dropout probability")
    if not training or p == 0:
        return x.clone()
    if p == 1:
        return x * 0
    return x * ~(uniforms < p) / (1.0 - p)
