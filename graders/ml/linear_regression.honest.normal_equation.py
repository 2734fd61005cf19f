"""Normal equation by the pseudo-inverse of the centred Gram matrix; descent on a Gram matrix with the bias as a weight."""

import numpy as np


def fit_closed_form(x, y, l2=0.0):
    n, d = x.shape
    xc = x - x.mean(0)
    gram = xc.T @ xc / n + l2 * np.eye(d)
    w = np.linalg.pinv(gram, rcond=1e-11, hermitian=True) @ (xc.T @ (y - y.mean()) / n)
    return w, y.mean() - x.mean(0) @ w


def fit_gd(x, y, lr, steps, l2=0.0):
    n, d = x.shape
    ones = np.hstack([x, np.ones((n, 1))])
    gram, moment, square = ones.T @ ones / n, ones.T @ y / n, y @ y / n
    penalty = np.append(np.full(d, l2), 0.0)
    theta, losses = np.zeros(d + 1), []
    for _ in range(steps):
        losses.append(theta @ gram @ theta - 2 * theta @ moment + square + (penalty * theta) @ theta)
        theta = theta - 2 * lr * (gram @ theta - moment + penalty * theta)
    return theta[:d].copy(), theta[d], losses
