"""A custom operator is its formula, put in wherever it is called."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given

from balmer.errors import ConfigError
from balmer.expressions import CustomOperator, Expression, apply, parse, variable
from strategies import expressions, rows

GAUSS = CustomOperator("gauss", "exp(-x**2)")
RATIO = CustomOperator.from_definition("ratio(p, q) = (p - q)/(p + q)")


@given(expressions(max_leaves=4), expressions(max_leaves=4), rows())
def test_the_expansion_has_the_value_of_the_formula(a: Expression, b: Expression, X: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        va, vb = a.evaluate(X), b.evaluate(X)
        found = parse("ratio(x0, x1)", operators=[RATIO]).substitute([a, b]).evaluate(X)
        np.testing.assert_array_equal(found, (va - vb) / (va + vb))


def test_calls_expand_and_nest() -> None:
    found = parse("2.0*gauss(ratio(u, v)) + gauss(u)", ("u", "v"), operators=[GAUSS, RATIO])
    assert found == parse("2.0*exp(-((u - v)/(u + v))**2) + exp(-u**2)", ("u", "v"))


def test_text_definition_and_sympy_are_the_same() -> None:
    x = sympy.Symbol("x")
    for made in (
        CustomOperator("gauss", sympy.exp(-(x**2))),
        CustomOperator.from_definition(" gauss ( x )  = exp(-x**2) "),
        CustomOperator.from_definition("gauss(x) = exp(-x^2)"),
    ):
        assert made.body == GAUSS.body
        assert made.arguments == ("x",)
        assert made.arity == 1


def test_arguments_are_the_features_of_the_body() -> None:
    assert RATIO.body == (variable(0) - variable(1)) / (variable(0) + variable(1))
    assert CustomOperator("f", "log(1 + b)", ("a", "b")).body == apply("log", parse("1 + x1"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CustomOperator("sin", "x"), "'sin' has the name of a known one"),
        (lambda: CustomOperator("pi", "x"), "known one"),
        (lambda: CustomOperator("ln", "x"), "known one"),
        (lambda: CustomOperator("a b", "x"), "letters, digits"),
        (lambda: CustomOperator("f", "x + y"), "custom operator f: .*no column 'y'"),
        (lambda: CustomOperator("f", sympy.Symbol("y")), "custom operator f: .*symbol y"),
        (lambda: CustomOperator("f", "1", ()), "named arguments"),
        (lambda: CustomOperator("f", "x", ("x", "x")), "two columns"),
        (lambda: CustomOperator.from_definition("gauss = exp(-x**2)"), "defined like"),
        (lambda: CustomOperator.from_definition("gauss(x)"), "defined like"),
        (lambda: parse("gauss(x0, x1)", operators=[GAUSS]), "takes 1 argument"),
        (lambda: parse("gaus(x0)", operators=[GAUSS]), "did you mean gauss"),
        (lambda: parse("gauss(x0)"), "no function 'gauss'"),
    ],
)
def test_mistakes_are_told(make, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_column_of_the_same_name_stays_a_column() -> None:
    assert parse("gauss*gauss(gauss)", ("gauss",), operators=[GAUSS]) == parse("x0*exp(-x0**2)")
