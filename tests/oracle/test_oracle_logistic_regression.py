"""Logistic regression against torch's loss and autograd, and its optimum against scikit-learn.

scikit-learn weighs the sum of losses by C against ½ · ‖w‖²: its C is 1 / (n · l2).
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

SIZES = [(5, 1), (12, 3), (40, 7)]


def drawn(n, d, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(n, d)), rng.normal(size=d) * scale
    y = (x @ w + 0.3 + rng.logistic(size=n) > 0).astype(np.int64)
    y[:2] = 0, 1
    return x, w, float(rng.normal()) * scale, y


@pytest.mark.parametrize("l2", [0.0, 0.7])
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1e4])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_loss_and_gradient(solution, n, d, scale, l2):
    x, w, b, y = drawn(n, d, scale)
    leaves = torch.tensor(w, requires_grad=True), torch.tensor(b, dtype=torch.float64, requires_grad=True)
    logits = torch.tensor(x) @ leaves[0] + leaves[1]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(y).double())
    loss = loss + l2 / 2 * leaves[0].square().sum()
    dw, db = torch.autograd.grad(loss, leaves)
    ours = solution("logistic_regression")
    found = ours.loss_and_grad(w, b, x, y, l2)
    assert found[0] == pytest.approx(loss.item(), rel=1e-11)
    assert found[1] == pytest.approx(dw.numpy(), rel=1e-9, abs=1e-12)
    assert found[2] == pytest.approx(db.item(), rel=1e-9, abs=1e-12)
    assert ours.predict_proba(x, w, b) == pytest.approx(torch.sigmoid(logits).detach().numpy(), rel=1e-9, abs=0)


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_descent(solution, n, d, l2):
    x, _, _, y = drawn(n, d)
    w, b = (torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in ((d,), ()))
    optimizer = torch.optim.SGD([w, b], lr=0.4)
    for _ in range(30):
        optimizer.zero_grad()
        logits = torch.tensor(x) @ w + b
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(y).double())
        (loss + l2 / 2 * w.square().sum()).backward()
        optimizer.step()
    found = solution("logistic_regression").fit(x, y, 0.4, 30, l2)
    assert found[0] == pytest.approx(w.detach().numpy(), rel=1e-9)
    assert found[1] == pytest.approx(b.item(), rel=1e-9)


@pytest.mark.parametrize("l2", [0.02, 0.5])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_optimum(solution, library, n, d, l2):
    x, _, _, y = drawn(n, d)
    model = library("sklearn.linear_model").LogisticRegression(C=1 / (n * l2), solver="newton-cholesky", tol=1e-10)
    model.fit(x, y)
    w, b = solution("logistic_regression").fit(x, y, 0.5, 6000, l2)
    assert w == pytest.approx(model.coef_[0], rel=1e-5, abs=1e-7)
    assert b == pytest.approx(model.intercept_[0], rel=1e-5, abs=1e-7)
    probabilities = solution("logistic_regression").predict_proba(x, w, b)
    assert probabilities == pytest.approx(model.predict_proba(x)[:, 1], rel=1e-5)
