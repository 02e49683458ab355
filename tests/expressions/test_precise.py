"""Exact arithmetic, and the bound on what float64 makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings

from balmer.expressions import OPERATORS, apply, parse, precisely, rounding, variable
from strategies import expressions, rows

U = np.finfo(np.float64).eps


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_has_the_values_and_the_domain_of_the_table(name):
    x = np.array([-3.0, -1.0, -0.5, 0.0, 0.3, 1.0, 2.0, 30.0, 800.0])
    X = np.array(np.meshgrid(x, x)).reshape(2, -1) if OPERATORS[name].arity == 2 else x[None]
    e = apply(name, *(variable(k) for k in range(OPERATORS[name].arity)))
    exact, plain = precisely(e, X), e.evaluate(X)
    finite = np.isfinite(plain)
    assert np.allclose(exact[finite], plain[finite], rtol=1e-14, atol=1e-15)
    assert not np.any(np.isfinite(exact[np.isnan(plain)]))


@given(expressions(n_features=2, max_leaves=8), rows(2, n_rows=6))
@settings(max_examples=200, deadline=None)
def test_the_error_of_float64_is_within_a_few_times_the_bound(expression, X):
    bound = rounding(expression, X)
    plain, exact = expression.evaluate(X), precisely(expression, X)
    known = np.isfinite(bound) & np.isfinite(plain) & np.isfinite(exact) & (bound < 1e-3 * np.abs(plain))
    assume(known.any())
    assert np.all(np.abs(plain - exact)[known] <= 8 * bound[known] + 1e-300)


def test_cancellation_is_seen():
    X = np.array([[0.387, 5.203, 30.07]])
    nothing = parse("x - sqrt(x)**2", ["x"])
    assert np.all(precisely(nothing, X) ** 2 < 1e-100)
    assert np.all(rounding(nothing, X) > 0.5 * U * X[0])
    assert np.all(rounding(parse("x**(3/2)", ["x"]), X) < 10 * U * X[0] ** 1.5)
