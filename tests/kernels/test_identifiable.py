"""Formulas with the constants that can be told apart, and what a fit of them gives back."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from balmer.expressions import Expression, constant, literal, parse, variable
from balmer.kernels import fit, losses
from balmer.kernels.identifiable import give_back, make_room, reduced
from strategies import expressions, rows

NAMES = ["x", "y", "z"]


@numba.njit
def _there_and_back(ops, args, values, theta, factors):
    """The reduced program with its constants times those factors, and theta with what that gives back."""
    n = len(ops)
    room = make_room(n)
    length, k = reduced(ops, args, values, n, theta, room)
    new, back, j = room.values[:length].copy(), theta.copy(), 0
    for i in range(length):
        if room.ops[i] == 0:
            room.theta[j] = room.start[j] * factors[j]
            new[i] = room.theta[j]
            j += 1
    good = give_back(room, k, ops, args, values, n, back)
    return room.ops[:length], room.args[:length], new, back, good


def there_and_back(expression, factors=None):
    factors = np.ones(len(expression)) if factors is None else factors
    ops, args, values, back, good = _there_and_back(
        expression.ops.copy(), expression.args.copy(), expression.values.copy(), expression.constants, factors
    )
    found = Expression(ops, args, values) if len(ops) else None  # a factor of zero leaves nothing to tell
    return found, expression.with_constants(back), good


def test_factors_and_terms_next_to_each_other_are_one():
    plain_cases = {
        "2.0*(3.0*x + 1.0)": "6.0*x + 2.0",
        "4.0 - (1.0 - 2.0*x)/0.5": "4.0*x + 2.0",
        "(x + 1.0) + (y + 2.0)": "x + y + 3.0",
        "(x - 1.0) - (y - 3.0)": "x - y + 2.0",
        "(2.0*x)*(3.0*y)": "6.0*(x*y)",
        "(2.0*x)/(4.0*y)": "0.5*(x/y)",
        "6.0/(2.0*x)": "3.0/x",
        "6.0/(2.0/x)": "3.0*x",
        "y*(2.0/x)": "2.0*(y/x)",
        "(x**0.7)**3.0": "x**2.0999999999999996",
        "-(2.0*x)*3.0": "-6.0*x",
        "2.0*(y/(x + 1.0)*3.0 + 1.0)": "6.0*(y/(x + 1.0)) + 2.0",
        "sin(2.0*(x + 1.0))*3.0/2.0": "1.5*sin(2.0*x + 2.0)",
        "2.0*x + 3.0*x": "2.0*x + 3.0*x",
        "1.0 - x": "1.0 - x",
    }
    for given_, wanted in plain_cases.items():
        found, _, good = there_and_back(parse(given_, NAMES))
        assert good
        assert found.text(NAMES) == parse(wanted, NAMES).text(NAMES), given_


@pytest.mark.parametrize(
    "text",
    [
        "1.5*(x + 2)",  # one constant cannot do what a and b in a x + b do
        "(x**2.0)**0.5",  # of a square also the root of a negative number
        "(x**3.0)**1.5",
        "(x**0.4)**2.5",  # of which x alone has values where the root has none
        "min(2.0*x, y)",
    ],
)
def test_what_is_told_apart_stays_apart(text):
    expression = parse(text, NAMES)
    X = np.linspace(-2.0, 3.0, 12).reshape(3, 4)
    for factor in (1.0, 1.1):
        found, back, good = there_and_back(expression, np.full(len(expression), factor))
        assert good
        assert found.n_constants == expression.n_constants
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(found.evaluate(X), back.evaluate(X), rtol=1e-13)


@given(
    expressions(max_leaves=14, operators=["add", "sub", "mul", "div", "pow", "neg", "inv", "sin", "exp"]),
    rows(low=0.25, high=3.0),
    st.lists(st.floats(0.75, 1.25), min_size=14, max_size=14),
)
def test_the_formula_takes_on_the_values_of_the_reduced_one(expression, X, factors):
    found, back, good = there_and_back(expression, np.array(factors))
    assume(found is not None)
    assert found.n_constants <= expression.n_constants
    assert len(found) <= len(expression)
    assume(good)
    with np.errstate(all="ignore"):
        a, b = back.evaluate(X), found.evaluate(X)
        scale = np.abs(back.evaluate(np.nextafter(X, 9.0)) - a) + np.abs(
            found.evaluate(np.nextafter(X, 9.0)) - b
        )
        close = np.abs(a - b) <= 1e-9 * np.abs(a) + 1e5 * scale + 1e-250
    assert np.all(close | ~np.isfinite(a) | ~np.isfinite(b) | ~np.isfinite(scale))


@given(
    expressions(max_leaves=10, operators=["add", "sub", "mul", "div", "pow", "neg", "inv"]),
    st.integers(0, 1000),
)
def test_the_loss_that_a_fit_reports_is_that_of_its_formula(expression, seed):
    rng = np.random.default_rng(seed)
    X, y, w = rng.uniform(0.5, 2.0, (3, 30)), rng.normal(size=30), np.full(30, 1 / 30)
    with np.errstate(all="ignore"):
        found = fit(expression, X, y, w, max_steps=30)
    assume(np.isfinite(found.loss))
    assert found.loss == pytest.approx(losses([found.expression], X, y, w)[0], rel=1e-6)


def test_constants_that_cannot_be_told_apart_are_fitted_as_well_as_others():
    rng = np.random.default_rng(5)
    X, w = rng.uniform(0.5, 2.0, (3, 80)), np.full(80, 1 / 80)
    y = 1.0 + 2.0 * X[0] + rng.normal(size=80)
    model = parse("2.0*(0.3*(0.7 - x/1.7) + 1.1) - 0.4", NAMES)
    found = fit(model, X, y, w, max_steps=6)
    line = np.polynomial.Polynomial.fit(X[0], y, 1)
    assert found.loss == pytest.approx(np.mean((line(X[0]) - y) ** 2), rel=1e-12)
    assert found.normal.shape == (6, 6)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found.expression.evaluate(X), line(X[0]), rtol=1e-9)


def test_a_factor_that_underflows_leaves_the_constants_finite():
    x = np.linspace(1.0, 2.0, 40)
    part = literal(1e-200) * variable(0)
    found = fit(constant(1.5) * (part * part), x[None], x, np.full(40, 1 / 40))
    np.testing.assert_array_equal(found.expression.constants, [1.5])


def test_digits_that_a_formula_loses_are_not_reported_as_found():
    x = np.linspace(1.0, 2.0, 40) * 1e-13
    w = np.full(40, 1e26 / 40)
    found = fit(parse("(x + 1.5) - 1.2", NAMES[:1]), x[None], x, w)
    true = losses([found.expression], x[None], x, w)[0]
    assert true > 1e-10  # near 1 the numbers are 1e-16 apart
    assert found.loss == pytest.approx(true, rel=1e-6)


def test_factors_that_keep_a_formula_in_range_are_left_where_they_are():
    x = np.linspace(1.0, 2.0, 40) * 1e160  # the square is infinite
    part = literal(1e-150) * variable(0)
    y = 3.0 * (1e-150 * x) ** 2
    found = fit(constant(1.5) * (part * part), x[None], y, np.full(40, 1e-40 / 40))
    assert found.expression.constants == pytest.approx([3.0])
