"""Signs are moved without changing values."""

import numpy as np
import pytest
from hypothesis import given

from balmer.expressions import OPERATORS, parse, tidy
from strategies import expressions, rows


@given(expressions(n_features=2), rows(2))
def test_values_stay_and_the_formula_grows_no_longer(expression, X):
    tidied = tidy(expression, OPERATORS)
    assert len(tidied) <= len(expression)
    assert tidied.n_constants == expression.n_constants
    with np.errstate(all="ignore"):
        a, b = expression.evaluate(X), tidied.evaluate(X)
    # Moving a sign is exact in floating point, but for the sign of a zero and of the infinity that it divides into.
    finite = np.isfinite(a) & np.isfinite(b)
    np.testing.assert_array_equal(a[finite], b[finite])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("3.5 + (-2.5*x)", "3.5 - 2.5*x"),
        ("-5.5/(4 - x)", "5.5/(x - 4)"),
        ("x - (-1.5*y - 2)", "x + (1.5*y + 2)"),
        ("-1.5*cos(-2.5*x)", "-1.5*cos(2.5*x)"),
        ("y + (-1.5)*sin(-2.5*x)", "y + 1.5*sin(2.5*x)"),
        ("exp(-x)", "exp(-x)"),
    ],
)
def test_a_reader_finds_fewer_minus_signs(given, wanted):
    assert tidy(parse(given, ["x", "y"]), OPERATORS).text(["x", "y"]) == parse(wanted, ["x", "y"]).text(
        ["x", "y"]
    )
