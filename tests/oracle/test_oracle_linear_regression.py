"""Linear regression against scikit-learn's optimum, and the descent against torch's SGD on the same objective.

Ridge takes the sum of squares where the statement takes the mean: its alpha is n · l2.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

SIZES = [(6, 1), (20, 3), (50, 11)]


def drawn(n, d, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) + rng.normal(size=d) * 3
    return x, x @ rng.normal(size=d) + 5 + rng.normal(size=n)


def same(found, right):
    w, b = found
    assert w == pytest.approx(right.coef_, rel=1e-8, abs=1e-8)
    assert b == pytest.approx(right.intercept_, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(("n", "d"), [*SIZES, (5, 9), (1, 3)])
def test_least_squares(solution, library, n, d):
    x, y = drawn(n, d)
    right = library("sklearn.linear_model").LinearRegression().fit(x, y)
    same(solution("linear_regression").fit_closed_form(x, y), right)


@pytest.mark.parametrize("l2", [0.01, 0.5, 100.0])
@pytest.mark.parametrize(("n", "d"), [*SIZES, (5, 9)])
def test_ridge(solution, library, n, d, l2):
    x, y = drawn(n, d)
    right = library("sklearn.linear_model").Ridge(alpha=n * l2, solver="svd").fit(x, y)
    same(solution("linear_regression").fit_closed_form(x, y, l2), right)


def test_lost_rank(solution, library):
    x, y = drawn(12, 4)
    x[:, 3], x[:, 2] = x[:, 0], 1.5
    right = library("sklearn.linear_model").LinearRegression().fit(x, y)
    same(solution("linear_regression").fit_closed_form(x, y), right)


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_descent(solution, n, d, l2):
    x, y = drawn(n, d)
    w, b = (
        torch.zeros(d, dtype=torch.float64, requires_grad=True),
        torch.zeros((), dtype=torch.float64, requires_grad=True),
    )
    optimizer, losses = torch.optim.SGD([w, b], lr=0.01), []
    for _ in range(25):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(torch.tensor(x) @ w + b, torch.tensor(y)) + l2 * w.square().sum()
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    found = solution("linear_regression").fit_gd(x, y, 0.01, 25, l2)
    assert found[0] == pytest.approx(w.detach().numpy(), rel=1e-9)
    assert found[1] == pytest.approx(b.item(), rel=1e-9)
    assert found[2] == pytest.approx(losses, rel=1e-9)


@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_descent_ends_where_the_closed_form_is(solution, l2):
    x, y = drawn(20, 3)
    x = (x - x.mean(axis=0)) / x.std(axis=0)  # else the descent takes ages
    ours = solution("linear_regression")
    w, b, _ = ours.fit_gd(x, y, 0.1, 2000, l2)
    right_w, right_b = ours.fit_closed_form(x, y, l2)
    assert w == pytest.approx(right_w, rel=1e-6)
    assert b == pytest.approx(right_b, rel=1e-6)
