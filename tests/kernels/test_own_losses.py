"""Losses of the user's: formulas of prediction and target, and functions of all rows."""

from __future__ import annotations

import pickle

import numba
import numpy as np
import pytest
from scipy.optimize import minimize

from balmer.errors import ConfigError
from balmer.expressions import apply, constant, literal, parse, variable
from balmer.kernels import Loss, LossFunction, fit, losses

A, B, K = constant(1.0), constant(0.5), constant(1.0)
MODEL = A * apply("exp", K * variable(0)) + B


def formula(text, columns=()):
    names = ["prediction", "target", *columns]
    expression = parse(text, names)
    while expression.n_constants:
        expression = expression.fix(0, expression.constants[0])
    return Loss(formula=expression, extras=len(columns))


def data(seed=1, n=301):
    rng = np.random.default_rng(seed)
    X = np.linspace(0, 1, n)[None]
    y = 2 * np.exp(1.5 * X[0]) + 1 + 0.05 * rng.normal(size=n)
    y[::20] += 3
    return X, y, rng.uniform(0.5, 1.5, n) / n


def best_of(loss, theta):
    for _ in range(3):
        theta = minimize(loss, theta, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14}).x
    return loss(theta)


@pytest.mark.parametrize(
    ("text", "numpy"),
    [
        ("log(cosh(prediction - target))", lambda p, t: np.log(np.cosh(p - t))),
        ("(prediction - target)**2/(1 + abs(target))", lambda p, t: (p - t) ** 2 / (1 + np.abs(t))),
        ("log(1 + (prediction - target)**2/0.01)", lambda p, t: np.log1p((p - t) ** 2 / 0.01)),
        ("prediction - target - target*log(prediction/target)", lambda p, t: p - t - t * np.log(p / t)),
        ("(log(prediction) - log(target))**2", lambda p, t: (np.log(p) - np.log(t)) ** 2),
        ("(prediction - target)**4", lambda p, t: (p - t) ** 4),
        ("max(0.9*(target - prediction), 0.1*(prediction - target))",
         lambda p, t: np.maximum(0.9 * (t - p), 0.1 * (p - t))),
    ],
)  # fmt: skip
def test_a_formula_is_minimised(text, numpy):
    X, y, w = data()

    def loss(theta):
        with np.errstate(all="ignore"):
            value = float(np.sum(w * numpy(MODEL.with_constants(theta).evaluate(X), y)))
        return value if np.isfinite(value) else 1e300

    found = fit(MODEL, X, y, w, loss=formula(text))
    theta = found.expression.constants
    assert found.loss == pytest.approx(loss(theta), rel=1e-10)
    kinked = "max" in text
    assert found.loss <= best_of(loss, theta) * (1 + (1e-3 if kinked else 1e-7))
    assert losses([found.expression], X, y, w, loss=formula(text))[0] == pytest.approx(found.loss, rel=1e-12)


def test_the_square_as_a_formula_is_the_squared_loss():
    X, y, w = data()
    wanted, found = fit(MODEL, X, y, w), fit(MODEL, X, y, w, loss=formula("(prediction - target)**2"))
    assert found.loss == pytest.approx(wanted.loss, rel=1e-12)
    np.testing.assert_allclose(found.expression.constants, wanted.expression.constants, rtol=1e-6)
    np.testing.assert_allclose(found.normal, wanted.normal, rtol=1e-6)


@pytest.mark.parametrize("n", [5, 256, 301, 1000])
def test_columns_of_the_loss_are_the_last_rows_of_the_table(n):
    rng = np.random.default_rng(0)
    X, y, w = data(n=n)
    sigma, trust = rng.uniform(0.1, 2, (2, n))
    text = "trust*abs(prediction - target)/sigma"
    own = formula(text, ["sigma", "trust"])
    e = parse("1.5*exp(x)", ["x"])
    wanted = np.sum(w * trust * np.abs(e.evaluate(X) - y) / sigma)
    table = np.vstack([X, rng.normal(size=n), sigma, trust])  # the formula does not use the second feature
    assert losses([e], table, y, w, loss=own)[0] == pytest.approx(wanted, rel=1e-12)
    assert fit(e, table, y, w, loss=own, max_steps=1).loss == pytest.approx(wanted, rel=1e-12)


def test_a_loss_in_float32_is_that_of_float64_to_its_precision():
    X, y, w = data()
    own = formula("log(cosh(prediction - target))")
    wanted, found = fit(MODEL, X, y, w, loss=own), fit(MODEL, X, y, w, loss=own, real=np.float32)
    assert found.loss == pytest.approx(wanted.loss, rel=1e-4)


def test_a_loss_without_a_value_in_some_row_is_infinite():
    X, y, w = data()
    own = formula("(log(prediction) - log(target))**2")
    assert losses([constant(-1.0) * variable(0)], X, y, w, loss=own)[0] == np.inf
    assert fit(literal(-1.0) * variable(0), X, y, w, loss=own).loss == np.inf


def trimmed(prediction, target, weights):
    """Mean of the smaller nine tenths of the squares: no sum over rows of anything."""
    return np.mean(np.sort((prediction - target) ** 2)[: int(0.9 * len(target))])


def of_three_halves(prediction, target, weights):
    return np.sum(weights * np.abs(prediction - target) ** 1.5) ** 2


@pytest.mark.parametrize("function", [trimmed, of_three_halves])
@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "numba"])
def test_a_function_judges_and_is_minimised(function, compiled):
    X, y, w = data()
    own = Loss(function=LossFunction(numba.njit(function) if compiled else function))

    def loss(theta):
        return float(function(MODEL.with_constants(theta).evaluate(X), y, w))

    squares = fit(MODEL, X, y, w).expression
    found = fit(MODEL, X, y, w, loss=own)
    theta = found.expression.constants
    assert found.loss == pytest.approx(loss(theta), rel=1e-12)
    assert found.loss < 0.95 * loss(squares.constants)
    assert found.loss <= best_of(loss, theta) * 1.001
    assert losses([found.expression], X, y, w, loss=own)[0] == found.loss


def test_plain_and_compiled_functions_are_one():
    X, y, w = data()
    plain, compiled = (
        fit(MODEL, X, y, w, loss=Loss(function=LossFunction(f)))
        for f in (of_three_halves, numba.njit(of_three_halves))
    )
    assert plain.loss == pytest.approx(compiled.loss, rel=1e-9)


def test_a_function_sees_every_row_once_and_in_order():
    seen = []

    def remember(prediction, target, weights):
        seen.append((prediction, target, weights))
        return 1.0

    for n in (3, 256, 700):
        X, y, w = data(n=n)
        losses([variable(0)], X, y, w, loss=Loss(function=LossFunction(remember)))
        for given_, wanted in zip(seen[-1], (X[0], y, w), strict=True):
            np.testing.assert_array_equal(given_, wanted)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda p, t, w: 1 / 0, r"the loss function <lambda> raised ZeroDivisionError"),
        (lambda p, t: 0.0, r"the loss function <lambda> raised TypeError"),
        (lambda p, t, w: "small", r"raised ValueError"),
        (lambda p, t, w: -1.0, r"gave -1\.0: a loss is 0 or more"),
    ],
)
def test_what_a_function_does_wrong_is_said(function, message):
    X, y, w = data()
    with pytest.raises(ConfigError, match=message):
        fit(MODEL, X, y, w, loss=Loss(function=LossFunction(function)))


def test_a_compiled_function_of_another_form_is_refused():
    @numba.njit
    def of_two(prediction, target):
        return 0.0

    with pytest.raises(ConfigError, match="the loss function of_two cannot be compiled"):
        LossFunction(of_two)


def test_a_function_survives_a_pickle():
    again = pickle.loads(pickle.dumps(LossFunction(trimmed)))
    assert again == LossFunction(trimmed)
