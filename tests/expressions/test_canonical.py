"""One form for every spelling of a formula: same values, no more symbols, and its own canonical form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from balmer.expressions import OPERATORS, Complexity, Expression, canonical, check_dimensions, parse
from balmer.units import Dimension
from strategies import expressions, rows

NAMES = ["t", "x", "m", "v", "l", "g"]
DEFAULT = ("add", "sub", "mul", "div", "pow", "square", "sqrt", "exp", "log", "sin", "cos")
OPERATOR_SETS = st.sampled_from(
    [tuple(OPERATORS), DEFAULT, ("add", "sub", "mul", "div"), ("mul", "exp", "neg")]
)


def rounding(e: Expression, X: np.ndarray) -> np.ndarray:
    """About how far the last digit of what a formula is made of moves its values."""
    base = e.evaluate(X)
    nearby = [e.with_constants(e.constants * (1 + s)).evaluate(X * (1 + t))
              for s, t in ((1e-13, 0), (-1e-13, 0), (0, 1e-13), (0, -1e-13))]  # fmt: skip
    return np.max([np.abs(other - base) for other in nearby], axis=0)


def assert_same_values(e: Expression, found: Expression, X: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        wanted, values, moved = e.evaluate(X), found.evaluate(X), rounding(e, X) + rounding(found, X)
    # Where the last digit decides between a number and none (x - x below a line), neither is right.
    steady = np.isfinite(wanted) & np.isfinite(moved)
    steady &= np.where(steady, moved, 0) <= 1e-6 * np.abs(np.where(steady, wanted, 0))
    assert np.isfinite(values[steady]).all(), found
    assert np.all(np.abs(values - wanted)[steady] <= 1e-12 * np.abs(wanted[steady]) + 10 * moved[steady]), (
        found
    )


@settings(max_examples=400, deadline=None)
@given(expressions(max_leaves=8), rows(), OPERATOR_SETS)
@example(
    parse("sqrt(x0**2)*cbrt(x1**3)*(x2**2)**1.5"), np.linspace(-3, 3, 15).reshape(3, 5), tuple(OPERATORS)
)
@example(parse("sqrt(x0*x1)*sqrt(x2)/(x0*x2)**-1.5"), np.linspace(-3, 3, 15).reshape(3, 5), tuple(OPERATORS))
@example(parse("exp(3*log(x0))*x0**-3*exp(x1)"), np.linspace(-3, 3, 15).reshape(3, 5), tuple(OPERATORS))
@example(parse("(-2.0*x0)**1.5*(-3*x1)**0.5"), np.linspace(-3, 3, 15).reshape(3, 5), DEFAULT)
@example(parse("sin((x0 - x0)**2)"), np.linspace(-3, 3, 15).reshape(3, 5), DEFAULT)
@example(parse("cos(x1 + (x0 - x0)**-1)"), np.linspace(-3, 3, 15).reshape(3, 5), DEFAULT)
def test_values_stay(e: Expression, X: np.ndarray, operators: tuple[str, ...]) -> None:
    assert_same_values(e, canonical(e, allowed=operators), X)


@settings(max_examples=200, deadline=None)
@given(expressions(max_leaves=8), rows(low=0.0), st.booleans())
@example(parse("sqrt(x0**2)*cbrt(x1**3)*(x2**2)**1.5"), np.linspace(0, 3, 15).reshape(3, 5), False)
@example(parse("sqrt(x0*x1)*sqrt(x2)/(x0*x2)**-1.5"), np.linspace(0, 3, 15).reshape(3, 5), False)
def test_values_stay_where_signs_are_known(e: Expression, X: np.ndarray, positive: bool) -> None:
    X = X + 0.25 if positive else X
    assert_same_values(e, canonical(e, nonnegative=[True] * 3, positive=[positive] * 3), X)


@settings(max_examples=300, deadline=None)
@given(expressions(max_leaves=8), OPERATOR_SETS, st.booleans())
def test_a_canonical_form_is_its_own(e: Expression, operators: tuple[str, ...], positive: bool) -> None:
    form = canonical(e, allowed=operators, positive=[positive] * 3)
    assert canonical(form, allowed=operators, positive=[positive] * 3) == form
    assert form.n_constants <= e.n_constants
    assert form.operators <= {*operators} | e.operators
    assert set(form.variables) <= set(e.variables)


@settings(max_examples=300, deadline=None)
@given(expressions(max_leaves=8, operators=[o for o in OPERATORS if o not in ("exp", "pow")]))
def test_it_costs_no_more(e: Expression) -> None:
    for price in (Complexity(), Complexity({"div": 3, "square": 4}, constant=1)):
        assert price.of(canonical(e, complexity=price)) <= price.of(e)


@settings(max_examples=200, deadline=None)
@given(expressions(max_leaves=7))
def test_units_hold_after_it_if_they_did_before(e: Expression) -> None:
    features = [Dimension(m=1), Dimension(s=1), Dimension()]
    before = check_dimensions(e, features)
    assume(before.holds)
    after = check_dimensions(canonical(e), features)
    assert after.holds
    # A zero fits any dimension, and what has become a plain constant has any unit.
    assert before.dimension is None or after.dimension in (None, before.dimension)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2.5*(t*t)", "2.5*t**2"), ("(t**2)**2", "t**4"), ("259.46*1", "259.46"), ("m/2*v**2", "m*v**2/2"),
        ("12*(4*t)", "48*t"), ("1007.8/exp(0.45*t)", "1007.8*exp(-0.45*t)"),
        ("3/sqrt(exp(t))*x", "3*x*exp(-1/2*t)"), ("exp(1.37*log(x))", "x**1.37"), ("exp(1)**x", "exp(x)"),
        ("2**x", "2**x"), ("0.5**x", "exp(-0.6931471805599453*x)"), ("x*2*pi", "2*pi*x"),
        ("sqrt(2.25*l/g)*(2*pi)", "9.42477796076938*sqrt(l/g)"), ("sqrt(l/g)*2*pi", "2*pi*sqrt(l/g)"),
        ("sqrt(2*l/g)", "sqrt(2*l/g)"), ("x/(4*pi)*m/l**2", "x*m/(4*pi*l**2)"), ("x + 1.5*x", "2.5*x"),
        ("x*x*x*x", "x**4"), ("v*m/(l*g)/(1/x)", "x*m*v/(l*g)"), ("-5.5/(4 - x)", "5.5/(x - 4)"),
        ("exp(t)*exp(x)/exp(m)", "exp(t + x - m)"), ("x**1.5*x**0.75", "x**2.25"),
        ("x**1.5*t**-0.6", "x**1.5/t**0.6"), ("3.5 + (-2.5*x)", "3.5 - 2.5*x"), ("1 + x - 3 + t", "t + x - 2"),
        ("log(exp(x))", "x"), ("1.5*sin(-2.5*x)", "-1.5*sin(2.5*x)"),
        ("t + x*m + x + x**2 + m", "t + x + m + x*m + x**2"),
        ("sqrt(x)*sqrt(t)", "sqrt(t*x)"), ("1.5 - (2.5 - x)", "x - 1.0"), ("exp(t)**2", "exp(2*t)"),
        ("max(x, t)", "max(t, x)"), ("sin(0.5 + 2.5*t)", "sin(2.5*t + 0.5)"), ("cos(1.5 - t)", "cos(1.5 - t)"),
        ("2.5*(1.5*x + 3.5)", "8.75 + 3.75*x"), ("x - x + t", "t"),
    ],
)  # fmt: skip
def test_one_form_for_every_spelling(text: str, form: str) -> None:
    found = canonical(parse(text, NAMES))
    assert found.text(NAMES) == form
    assert canonical(parse(form, NAMES)) == found


def test_spellings_of_one_law_meet() -> None:
    spellings = [
        "m*v**2/2",
        "1/2*m*v*v",
        "v*m*v/2",
        "v**2/(2/m)",
        "(v*(v/2))*m",
        "m/(2/v**2)",
        "m*exp(2*log(v))/2",
    ]
    forms = {canonical(parse(s, NAMES), positive=[True] * 6).text(NAMES) for s in spellings}
    assert forms == {"m*v**2/2"}


def test_only_allowed_operators() -> None:
    arithmetic = ("add", "sub", "mul", "div")
    assert canonical(parse("x*x", NAMES), allowed=arithmetic).text(NAMES) == "x*x"
    assert canonical(parse("x*3*x", NAMES), allowed=arithmetic).operators == {"mul"}
    assert canonical(parse("square(square(x))", NAMES), allowed=("square",)).operators == {"square"}
    without_neg = canonical(parse("2*(3 - x) - 7 - x", NAMES), allowed=DEFAULT)
    assert "neg" not in without_neg.operators


def test_roots_of_squares_ask_for_the_sign() -> None:
    e = parse("sqrt(x**2*t)", NAMES)
    assert canonical(e, positive=[True, True]).text(NAMES) == "sqrt(t)*x"
    assert canonical(e) != parse("sqrt(t)*x", NAMES)
    assert canonical(parse("sqrt(x**2)", NAMES), nonnegative=[True, True]).text(NAMES) == "x"
