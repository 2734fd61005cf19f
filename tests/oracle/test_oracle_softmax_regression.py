"""Softmax regression against torch's cross_entropy and autograd, and its optimum against scikit-learn.

scikit-learn weighs the sum of losses by C against ½ · ‖W‖²: its C is 1 / (n · l2). The biases are free up to a number.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

SIZES = [(5, 1, 2), (12, 3, 4), (40, 7, 3)]


def drawn(n, d, classes, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    x, w, b = rng.normal(size=(n, d)), rng.normal(size=(d, classes)) * scale, rng.normal(size=classes) * scale
    y = np.argmax(x @ rng.normal(size=(d, classes)) + rng.gumbel(size=(n, classes)), axis=1)
    y[:classes] = np.arange(classes)
    return x, w, b, y


@pytest.mark.parametrize("l2", [0.0, 0.7])
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1e4])
@pytest.mark.parametrize(("n", "d", "classes"), SIZES)
def test_loss_and_gradient(solution, n, d, classes, scale, l2):
    x, w, b, y = drawn(n, d, classes, scale)
    leaves = [torch.tensor(value, requires_grad=True) for value in (w, b)]
    logits = torch.tensor(x) @ leaves[0] + leaves[1]
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y)) + l2 / 2 * leaves[0].square().sum()
    dw, db = torch.autograd.grad(loss, leaves)
    found = solution("softmax_regression").loss_and_grad(w, b, x, y, l2)
    assert found[0] == pytest.approx(loss.item(), rel=1e-11)
    assert found[1] == pytest.approx(dw.numpy(), rel=1e-9, abs=1e-11)
    assert found[2] == pytest.approx(db.numpy(), rel=1e-9, abs=1e-11)
    assert (solution("softmax_regression").predict(x, w, b) == logits.argmax(1).numpy()).all()


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize(("n", "d", "classes"), SIZES)
def test_descent(solution, n, d, classes, l2):
    x, _, _, y = drawn(n, d, classes)
    w, b = (torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in ((d, classes), (classes,)))
    optimizer = torch.optim.SGD([w, b], lr=0.4)
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(torch.tensor(x) @ w + b, torch.tensor(y))
        (loss + l2 / 2 * w.square().sum()).backward()
        optimizer.step()
    found = solution("softmax_regression").fit(x, y, classes, 0.4, 30, l2)
    assert found[0] == pytest.approx(w.detach().numpy(), rel=1e-9, abs=1e-12)
    assert found[1] == pytest.approx(b.detach().numpy(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("l2", [0.02, 0.5])
@pytest.mark.parametrize(("n", "d", "classes"), SIZES[1:])
def test_optimum(solution, library, n, d, classes, l2):
    x, _, _, y = drawn(n, d, classes)
    model = library("sklearn.linear_model").LogisticRegression(C=1 / (n * l2), solver="newton-cg", tol=1e-10)
    model.fit(x, y)
    ours = solution("softmax_regression")
    w, b = ours.fit(x, y, classes, 0.5, 4000, l2)
    assert w == pytest.approx(model.coef_.T, rel=1e-4, abs=1e-6)
    assert b - b.mean() == pytest.approx(model.intercept_ - model.intercept_.mean(), rel=1e-4, abs=1e-6)
    assert (ours.predict(x, w, b) == model.predict(x)).all()
