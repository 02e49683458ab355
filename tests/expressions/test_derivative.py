"""Derivatives as formulas: the limit of differences, for every operator and for what is made of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given

from balmer.expressions import OPERATORS, apply, derivative, parse, variable
from strategies import expressions, rows

X = np.array([np.linspace(0.21, 0.87, 9), np.linspace(0.93, 0.32, 9)])


def difference(expression, X, feature, h=1e-6):
    """By Richardson's extrapolation of central differences: exact to the fourth power of h."""
    step = np.zeros((len(X), 1))
    step[feature] = h
    near, far = (
        (expression.evaluate(X + k * step) - expression.evaluate(X - k * step)) / (2 * k * h) for k in (1, 2)
    )
    return (4 * near - far) / 3


@pytest.mark.parametrize("feature", [0, 1])
@pytest.mark.parametrize("name", OPERATORS)
def test_of_every_operator(name, feature):
    inner = (variable(0) * variable(1), variable(1))[: OPERATORS[name].arity]
    expression = apply(name, *inner)
    found = np.broadcast_to(derivative(expression, feature).evaluate(X), X.shape[1:])
    np.testing.assert_allclose(found, difference(expression, X, feature), rtol=1e-7, atol=1e-7)


def test_of_what_does_not_depend_on_the_feature_is_zero():
    assert derivative(parse("exp(y) + 2.5", ["x", "y"]), 0).text() == "0"


def test_at_a_kink_there_is_none():
    assert np.isnan(derivative(parse("abs(x)", ["x"]), 0).evaluate([[0.0]])[0])


@given(
    expressions(2, operators=("add", "sub", "mul", "sin", "tanh", "atan"), max_leaves=6),
    rows(2, 4, -1.0, 1.0),
)
def test_of_a_whole_formula(expression, X):
    with np.errstate(all="ignore"):
        size = float(np.abs(expression.evaluate(X)).max())
        found = np.broadcast_to(derivative(expression, 0).evaluate(X), X.shape[1:])
        wanted = difference(expression, X, 0, 1e-4)
        again = difference(expression, X, 0, 5e-5)
    assume(size < 1e3 and np.allclose(wanted, again, rtol=1e-6, atol=1e-6))  # else too steep for differences
    np.testing.assert_allclose(found, again, rtol=1e-5, atol=1e-5 * (1 + size))
