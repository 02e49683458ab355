"""A formula in other operators has the same values, and only the operators that were allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balmer.errors import ConfigError
from balmer.expressions import OPERATORS, Expression, express_in, parse
from strategies import expressions

ARITHMETIC = ["+", "-", "*", "/"]


@settings(deadline=None)
@given(expressions(max_leaves=5), st.sets(st.sampled_from(sorted(OPERATORS)), min_size=10))
def test_values_stay_and_operators_are_allowed(e: Expression, allowed: set[str]) -> None:
    found = express_in(e, allowed)
    if e.operators <= allowed:
        assert found == e
    if found is None:
        return
    assert found.operators <= allowed
    X = np.random.default_rng(0).uniform(-3, 3, (3, 8))
    wanted, values = e.evaluate(X), found.evaluate(X)
    # Where rounding of the arguments shows (sin(1e12), log(sin(pi))), neither of the two is right.
    with np.errstate(all="ignore"):
        jitter = [jittered(f).evaluate(X * (1 - 1e-12)) for f in (e, found)]
        noise = np.abs(wanted - jitter[0]) + np.abs(values - jitter[1])
    steady = np.isfinite(wanted) & (noise < 1e-7 * (1 + np.abs(wanted)))
    np.testing.assert_allclose(values[steady], wanted[steady], rtol=1e-5, atol=1e-5)


def jittered(e: Expression) -> Expression:
    """The formula with its numbers slightly off, but for whole ones: an exponent 2 must stay 2."""
    return Expression(e.ops, e.args, np.where(e.values % 1 == 0, e.values, e.values * (1 + 1e-12)))


CASES = {
    "square(x0)": [["*"], ["pow"]],
    "cube(x0)": [["*"], ["pow"]],
    "inv(x0)": [["/"], ["pow"]],
    "-x0": [["*"], ["-"], ["/"]],
    "x0 - x1": [["+", "*"]],
    "x0 + x1": [["-"]],
    "x0/x1": [["*", "inv"], ["*", "pow"]],
    "x0*x1": [["/"]],
    "sqrt(x1)": [["pow"], ["exp", "log", "*"]],
    "cbrt(x0)": [["pow", "*", "/"]],
    "x0**7": [["*"]],
    "x0**-3": [["*", "/"]],
    "x1**(3/2)": [["*", "sqrt"], ["*", "exp", "log"]],
    "x1**(-1/2)": [["sqrt", "/"]],
    "x1**2.5": [["exp", "log", "*"]],
    "exp(x0)**x1": [["exp", "log", "*"]],
    "expm1(x0)": [["exp", "-"]],
    "log1p(x1)": [["log", "+"]],
    "logexpm1(x1)": [["log", "exp", "-"], ["log1mexp", "+"], ["log", "expm1"]],
    "log1mexp(x1)": [["log", "exp", "-"], ["log", "expm1", "neg"]],
    "sin(x0)": [["cos", "-", "/"], ["cos", "+", "*"]],
    "cos(x0)": [["sin", "+", "/"]],
    "tan(x0)": [["sin", "cos", "/"]],
    "sinh(x0)": [["exp", "-", "/"]],
    "cosh(x0)": [["exp", "+", "*"]],
    "tanh(x0)": [["exp", "+", "-", "*", "/"], ["sinh", "cosh", "/"]],
    "acos(x2)": [["asin", "-", "/"]],
    "asin(x2)": [["acos", "-", "/"]],
    "abs(x0)": [["max", "neg"], ["sqrt", "*"]],
    "min(x0, x1)": [["max", "neg"]],
    "max(x0, x1)": [["min", "neg"]],
}


@pytest.mark.parametrize(("text", "allowed"), [(t, a) for t, sets in CASES.items() for a in sets])
def test_each_recipe_keeps_the_values(text: str, allowed: list[str]) -> None:
    rng = np.random.default_rng(3)
    X = np.array([rng.uniform(-3, 3, 40), rng.uniform(0.1, 4, 40), rng.uniform(-0.9, 0.9, 40)])
    e = parse(text)
    found = express_in(e, allowed)
    assert found is not None
    np.testing.assert_allclose(found.evaluate(X), e.evaluate(X), rtol=1e-9, atol=1e-12)


def test_recipes_reach_through_each_other() -> None:
    e = parse("tanh(x0)**2 - cbrt(x1)")
    found = express_in(e, [*ARITHMETIC, "exp", "log"])
    assert found is not None
    assert found.operators <= {"add", "sub", "mul", "div", "exp", "log"}
    X = np.array([[-2.0, 0.5, 3.0], [-1.0, 2.0, 8.0]])
    np.testing.assert_allclose(found.evaluate(X), e.evaluate(X))


@pytest.mark.parametrize(
    ("text", "allowed"),
    [("sin(x0)", ARITHMETIC), ("x0**x1", ["exp", "log", "*"]), ("x0**2.0", ["exp", "log", "*"]),
     ("cbrt(x0)", ["pow"]), ("x0 + x1", ["*"]), ("atan(x0)", ["asin", *ARITHMETIC])],
)  # fmt: skip
def test_what_cannot_be_said_is_none(text: str, allowed: list[str]) -> None:
    assert express_in(parse(text), allowed) is None


def test_large_arguments_do_not_overflow_where_that_can_be_avoided() -> None:
    X = np.array([[800.0]])
    for allowed in (["+", "-", "log", "exp"], ["+", "log1mexp"]):
        found = express_in(parse("logexpm1(x0)"), allowed)
        assert found is not None
        assert found.evaluate(X) == 800.0
    tanh = express_in(parse("tanh(x0)"), ["exp", *ARITHMETIC])
    assert tanh is not None
    assert tanh.evaluate(X) == 1.0


def test_free_constants_are_not_doubled_where_that_can_be_avoided() -> None:
    found = express_in(parse("(2.0*x0)**2"), ["*", "pow"])
    assert found is not None
    assert found.n_constants == 1


def test_unknown_operators_are_told() -> None:
    with pytest.raises(ConfigError, match="no operator 'sine'"):
        express_in(parse("x0"), ["sine"])
