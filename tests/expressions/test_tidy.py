"""Signs are moved without changing values."""

import numpy as np
import pytest
from hypothesis import given

from balmer.expressions import OPERATORS, parse, tidy, with_plain_numbers
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


@given(expressions(n_features=2), rows(2))
def test_plain_numbers_have_the_value_of_what_they_stand_for(expression, X):
    plain = with_plain_numbers(expression)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(expression.evaluate(X), plain.evaluate(X), rtol=1e-11)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("x + tanh(1/2)", "x + 0.46211715726000974"),
        ("exp(cos(1) + 1)*x", "4.666000617166735*x"),
        ("x**exp(1/2)", "x**1.6487212707001282"),
        ("sqrt(2)*x + pi", "sqrt(2)*x + pi"),
        ("sin(2*x)", "sin(2*x)"),
        ("x*log(0 - 1)", "x*log(0 - 1)"),  # no number
    ],
)
def test_a_function_of_numbers_is_a_number(given, wanted):
    assert with_plain_numbers(parse(given, ["x"])).text(["x"]) == wanted
