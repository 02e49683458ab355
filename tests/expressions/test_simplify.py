"""Simplifying keeps the values and never makes a formula dearer or freer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from balmer.expressions import Complexity, Expression, apply, parse, simplify, variable
from strategies import expressions

NAMES = ["x", "y", "z"]
X = np.random.default_rng(0).uniform(0.5, 3.0, (3, 30))
SIGNED = np.random.default_rng(0).uniform(-3.0, 3.0, (3, 30))


@settings(max_examples=60, deadline=None)
@given(expressions(max_leaves=6))
def test_values_stay_and_the_cost_falls(e: Expression) -> None:
    for data in (X, SIGNED):
        found = simplify(e, data)
        with np.errstate(all="ignore"):
            wanted, values = e.evaluate(data), found.evaluate(data)
        finite = np.isfinite(wanted)
        scale = np.abs(wanted[finite]).max(initial=0.0)
        np.testing.assert_allclose(values[finite], wanted[finite], rtol=1e-7, atol=1e-10 * scale)
        assert Complexity().of(found) <= Complexity().of(e)
        assert found.n_constants <= e.n_constants


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x*x*x", "x**3"),
        ("x + 0*y", "x"),
        ("sqrt(x**2)", "x"),
        ("(x + y)**2 - x**2 - 2*x*y", "y**2"),
        ("(x*y + x*z)/x", "y + z"),
        ("(x**2 - y**2)/(x - y)", "x + y"),
        ("log(exp(x) - 1)", "logexpm1(x)"),
        ("exp(-x/y)/(1 - exp(-x/y))", "expm1(x/y)**-1"),
        ("log(x) - log(y)", "log(x/y)"),
        ("exp(x)*exp(y)", "exp(x + y)"),
        ("sqrt(x)*sqrt(y)", "sqrt(x*y)"),
        ("sin(x)**2 + cos(x)**2", "1"),
        ("cbrt(x*x*x)", "x"),
        ("x - (-2.0)", "2.0 + x"),
        ("min(x, x)", "x"),
    ],
)
def test_what_is_found(text: str, expected: str) -> None:
    assert simplify(parse(text, NAMES), X).text(NAMES) == expected


@pytest.mark.parametrize(
    ("text", "expected", "constants"),
    [
        ("2.0*3.0*x*y", "6.0*x*y", 1),
        ("1.5*(2.0*x + 3.0)", "3.0*x + 4.5", 2),
        ("sqrt(2.25*x)*3.0", "4.5*sqrt(x)", 1),
        ("1.0/(2.0/x)", "0.5*x", 1),
        ("x**1.5*x**0.75", "x**2.25", 1),
        ("2.5*(x + y)", "2.5*(x + y)", 1),
        ("2*pi*3.0*x", f"{6 * np.pi!r}*x", 1),
    ],
)
def test_constants_merge_and_stay_free(text: str, expected: str, constants: int) -> None:
    found = simplify(parse(text, NAMES), X)
    assert found.n_constants == constants
    assert found.operators == parse(expected, NAMES).operators
    np.testing.assert_allclose(sorted(found.constants), sorted(parse(expected, NAMES).constants))


def test_positive_only_where_the_data_are() -> None:
    assert simplify(parse("sqrt(x0**2)"), SIGNED) == parse("abs(x0)")


def test_only_allowed_operators() -> None:
    arithmetic = ["+", "-", "*", "/"]
    found = simplify(parse("(x*y + x*z)/x", NAMES), X, allowed=arithmetic)
    assert found == parse("y + z", NAMES)
    assert simplify(parse("x*x*x", NAMES), X, allowed=arithmetic).operators == {"mul"}
    assert simplify(parse("square(x)", NAMES), X, allowed=arithmetic) == parse("x*x", NAMES)


def test_costs_decide() -> None:
    dear = Complexity({"square": 9, "cube": 9, "pow": 9})
    assert simplify(parse("x*x*x", NAMES), X, complexity=dear) == parse("x*x*x", NAMES)


def test_where_an_exponential_overflows_the_safe_form_is_taken() -> None:
    data = np.array([[1.0, 2.0, 900.0]])
    found = simplify(parse("log(exp(x0) - 1)"), data)
    assert np.isfinite(found.evaluate(data)).all()


def test_what_is_too_large_or_has_no_value_stays() -> None:
    large = variable(0)
    for _ in range(30):
        large = apply("add", large, variable(1))
    assert simplify(large, X) is large
    nothing = parse("log(-1 - x0**2)")
    assert simplify(nothing, X) is nothing


def test_factoring_is_not_tried_where_it_has_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    import sympy

    def endless(*_: object) -> None:
        raise KeyboardInterrupt("factor of a polynomial in nine generators may take minutes")

    monkeypatch.setattr(sympy, "factor", endless)
    e = parse("1.5*cos(2.5 - x)**2 + 0.7/(x - 3.5) + 4.5 - 5.5/(6.5 + x)", ["x"])
    assert simplify(e, np.linspace(10, 20, 50)[None]).n_constants <= e.n_constants


@pytest.mark.parametrize(
    "text",
    ["x**(17/100) + 2.5*x**(7/99) - 1.5", "2.5*exp(x/97) + 3.5*exp(5*x/83) - x**2", "x**120 - 1.5*x**7"],
)
def test_polynomials_of_high_degree_are_not_factored(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sympy

    def endless(*_: object) -> None:
        raise KeyboardInterrupt("factor and cancel of a polynomial of degree 1683 may take an hour")

    monkeypatch.setattr(sympy, "factor", endless)
    monkeypatch.setattr(sympy, "cancel", endless)
    e = parse(text, ["x"])
    assert simplify(e, np.linspace(1, 2, 50)[None]).n_constants <= e.n_constants


@pytest.mark.parametrize("lowest", [0.0, 0.5])
def test_a_power_is_found_also_where_a_column_holds_a_zero(lowest: float) -> None:
    data = np.array([np.linspace(lowest, 3.0, 20)])
    assert simplify(parse("exp(1.37*log(x0))"), data) == parse("x0**1.37")
    assert simplify(parse("3.5*exp(2*log(x0))"), data) == parse("3.5*x0**2")
    assert simplify(parse("sqrt(x0**2)"), data) == parse("x0")
