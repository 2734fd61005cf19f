"""The two signs of z apart, by boolean masks; the loss by the sign of the label; updates in place."""

import numpy as np


def predict_proba(x, w, b):
    z = np.einsum("nd,d->n", x, w) + b
    p = np.empty_like(z)
    positive = z >= 0
    p[positive] = 1 / (1 + np.exp(-z[positive]))
    e = np.exp(z[~positive])
    p[~positive] = e / (1 + e)
    return p


def loss_and_grad(w, b, x, y, l2=0.0):
    z = np.einsum("nd,d->n", x, w) + b
    margin = np.where(y == 1, z, -z)
    losses = np.log1p(np.exp(-np.maximum(margin, -margin))) + np.maximum(-margin, 0)
    error = (predict_proba(x, w, b) - y) / len(z)
    dw = error @ x
    dw += l2 * w
    return float(np.average(losses) + l2 * np.dot(w, w) / 2), dw, float(np.sum(error))


def fit(x, y, lr, steps, l2=0.0):
    w, b = np.zeros_like(x[0]), 0.0
    while steps > 0:
        error = predict_proba(x, w, b) - y
        w *= 1 - lr * l2
        w -= lr * np.average(error[:, None] * x, axis=0)
        b -= lr * float(np.average(error))
        steps -= 1
    return w, b
