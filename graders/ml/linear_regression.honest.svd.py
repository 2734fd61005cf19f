"""Least squares by the SVD of the centred features; descent in place, with einsum and np.average."""

import numpy as np


def fit_closed_form(x, y, l2=0.0):
    mu, nu = np.average(x, axis=0), np.average(y)
    u, s, vt = np.linalg.svd(x - mu, full_matrices=False)
    keep = s > 1e-10 * s.max() if s.max() > 0 else np.zeros(len(s), dtype=bool)
    u, s, vt = u[:, keep], s[keep], vt[keep]
    w = vt.T @ (s / (s**2 + len(y) * l2) * (u.T @ (y - nu)))
    return w, float(nu - np.dot(mu, w))


def fit_gd(x, y, lr, steps, l2=0.0):
    w, b = np.zeros_like(x[0]), np.zeros(())
    losses = [0.0] * steps
    for step in range(steps):
        error = np.einsum("nd,d->n", x, w) + b - y
        losses[step] = np.average(np.square(error)) + l2 * np.sum(np.square(w))
        gradient = 2.0 * np.einsum("nd,n->d", x, error) / error.size
        gradient += 2.0 * l2 * w
        w -= lr * gradient
        b = b - lr * 2.0 * np.average(error)
    return w, float(b), losses
