"""Losses other than the squared, and the elimination of linear constants."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from balmer.expressions import apply, constant, literal, variable
from balmer.kernels import fit
from balmer.kernels.losses import KINDS

RHO = {
    "squared": lambda r, s: r**2,
    "absolute": lambda r, s: np.abs(r),
    "huber": lambda r, s: np.where(np.abs(r) <= s, r**2, 2 * s * np.abs(r) - s**2),
    "log-cosh": lambda r, s: 2 * s**2 * np.log(np.cosh(r / s)),
}
A, B, K = constant(1.0), constant(0.5), constant(1.0)
MODEL = A * apply("exp", K * variable(0)) + B


def outliers(seed=1):
    rng = np.random.default_rng(seed)
    X = np.linspace(0, 1, 201)[None]
    y = 2 * np.exp(1.5 * X[0]) - 1 + 0.05 * rng.normal(size=201)
    y[::20] += 3
    return X, y, rng.uniform(0.5, 1.5, 201) / 201


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_has_the_loss_it_says_and_no_better_one_is_near(kind):
    X, y, w = outliers()

    def loss(theta):
        return float(np.sum(w * RHO[kind](MODEL.with_constants(theta).evaluate(X) - y, 0.2)))

    found = fit(MODEL, X, y, w, loss=kind, scale=0.2)
    theta = found.expression.constants
    assert found.loss == pytest.approx(loss(theta), rel=1e-10)
    best = minimize(
        loss, theta, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000}
    )
    assert found.loss <= best.fun * (1 + (1e-4 if kind == "absolute" else 1e-9))


def test_robust_losses_do_not_follow_outliers():
    X, y, w = outliers()
    truth = [2.0, 1.5, -1.0]
    off = {
        kind: np.abs(fit(MODEL, X, y, w, loss=kind, scale=0.05).expression.constants - truth).max()
        for kind in KINDS
    }
    assert all(off[kind] < 0.2 < off["squared"] for kind in KINDS if kind != "squared")


def test_a_formula_linear_in_its_constants_is_solved_at_once():
    rng = np.random.default_rng(0)
    X, y, w = rng.normal(size=(2, 60)), rng.normal(size=60), np.full(60, 1 / 60)
    inner = apply("sin", variable(0)) / (variable(1) * variable(1) + literal(1.0))
    found = fit(constant(1e6) * inner - constant(-1e6), X, y, w, max_steps=3)
    design = np.vstack([inner.evaluate(X), np.ones(60)])
    wanted = np.linalg.lstsq(design.T, y, rcond=None)[0]
    np.testing.assert_allclose(found.expression.constants, wanted * [1, -1], rtol=1e-6)


def test_a_product_of_linear_constants_is_not_taken_for_linear():
    X = np.linspace(1, 2, 30)[None]
    model = constant(1.0) * (constant(1.0) * variable(0) + constant(1.0)) / (constant(1.0) + variable(0))
    y = 3 * (2 * X[0] + 0.5) / (0.7 + X[0])
    assert fit(model, X, y, np.ones(30)).loss < 1e-20


def test_constants_that_cannot_be_told_apart_do_no_harm():
    X = np.linspace(1, 2, 30)[None]
    model = constant(1.0) * variable(0) + constant(2.0) * variable(0) + constant(0.0)
    found = fit(model, X, 5 * X[0] + 1, np.ones(30))
    assert found.loss < 1e-18
    assert np.abs(found.expression.constants).max() < 1e4


def test_restarts_never_make_a_fit_worse_and_leave_poor_minima():
    X = np.linspace(0, 3, 200)[None]
    model = constant(1.0) * apply("sin", constant(1.0) * variable(0))
    y = np.sin(7 * X[0])
    stalled = fit(model, X, y, np.full(200, 1 / 200))
    again = fit(model, X, y, np.full(200, 1 / 200), restarts=30)
    assert stalled.loss > 0.1
    assert again.loss < 1e-9
    assert again.evaluations > stalled.evaluations
