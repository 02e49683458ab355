"""sympy and back keeps the values; names, literals and constants arrive as what they are."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import assume, example, given, settings

from balmer.errors import ConfigError
from balmer.expressions import OPERATORS, Complexity, Expression, from_sympy, parse, to_sympy
from strategies import expressions, rows

NAMES = ["x", "y", "z"]
# In sympy's exp(x) - 1 the digits are lost near 0 for which expm1 is made.
UNROUNDED = [name for name in OPERATORS if name not in ("expm1", "log1p", "logexpm1", "log1mexp")]


def round_trip(text: str) -> str:
    return from_sympy(to_sympy(parse(text, NAMES), NAMES), NAMES).text(NAMES)


@settings(max_examples=60, deadline=None)
@given(
    expressions(
        max_leaves=5,
    ),
    rows(low=0.25),
)
@example(parse("cbrt(cbrt(x0**2))"), np.linspace(-3, 3, 15).reshape(3, 5))
@example(parse("sqrt(cbrt(x0))*cbrt(x1*x2)"), np.linspace(-3, 3, 15).reshape(3, 5))
@example(parse("exp(-x0/x1)/cube(sinh(x1))-x2**(-x0)"), np.linspace(0.5, 3, 15).reshape(3, 5))
def test_values_survive_the_round_trip(e: Expression, X: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        wanted = e.evaluate(X)
        # Where rounding decides (1e9 - 1e9), or a value is on the edge of a domain, neither side is right.
        jitter = e.with_constants(e.constants * (1 + 1e-13)).evaluate(X * (1 - 1e-13))
        steady = np.isfinite(wanted) & (np.abs(wanted - jitter) <= 1e-9 * np.abs(wanted) + 1e-9)
    assume(steady.any())
    try:
        found = from_sympy(to_sympy(e), ["x0", "x1", "x2"]).evaluate(X)
    except ConfigError:
        # Exactly evaluated there is no value, such as 1/(sin(pi)) or max(1/0, x).
        assume(False)
    np.testing.assert_allclose(found[steady], wanted[steady], rtol=1e-6, atol=1e-6)


@settings(max_examples=150, deadline=None)
@given(expressions(max_leaves=6, operators=UNROUNDED), rows(n_rows=8))
@example(parse("sqrt(x0**2) + cbrt(x1) - abs(x2)"), np.linspace(-3, 3, 24).reshape(3, 8))
@example(parse("log(exp(x0)) + exp(3*log(x1))"), np.linspace(-3, 3, 24).reshape(3, 8))
@example(parse("(x0**2)**0.75 + (x1**3)**(1/3)"), np.linspace(-3, 3, 24).reshape(3, 8))
@example(parse("cbrt(x0**3) + sqrt(cbrt(x1)**2) + sqrt(x0*x1)"), np.linspace(-3, 3, 24).reshape(3, 8))
@example(parse("acos(cos(x0)) + asin(sin(x1)) + atan(tan(x2))"), np.linspace(-9, 9, 24).reshape(3, 8))
@example(parse("(2.5*x0)**1.5*(x1/3)**-0.5/sqrt(1/x2)"), np.linspace(-3, 3, 24).reshape(3, 8))
def test_plain_symbols_do_not_change_the_meaning(e: Expression, X: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        wanted = e.evaluate(X)
        # Where rounding decides, as in 1e9 + x - 1e9 and exp(x) - 1 near 0, neither side is right.
        moved = [
            e.with_constants(e.constants * (1 + s)).evaluate(X * (1 + t))
            for s, t in ((1e-14, 0.0), (0.0, 1e-14), (0.0, -1e-14))
        ]
        steady = np.isfinite(wanted) & np.isfinite(moved).all(axis=0)
        for other in moved:
            steady &= np.abs(wanted - other) <= 1e-11 * np.abs(wanted)
    assume(steady.any())
    try:
        function = sympy.lambdify(sympy.symbols("x0 x1 x2"), to_sympy(e), "numpy")
        with np.errstate(all="ignore"):
            found = np.broadcast_to(np.asarray(function(*X)), wanted.shape)
    except (ConfigError, TypeError, ArithmeticError, ValueError, NotImplementedError):
        assume(False)  # of numbers alone, such as sqrt(-2) or sin(exp(exp(9)))
    assume(found.dtype.kind in "fi")
    steady &= np.isfinite(found)
    assume(steady.any())
    np.testing.assert_allclose(found[steady], wanted[steady], rtol=1e-9)


def test_derivatives_and_substitutions_work_with_plain_symbols() -> None:
    x = sympy.Symbol("x")
    form = to_sympy(parse("3*exp(-2*x)", ["x"]), ["x"])
    assert form.diff(x) == -6 * sympy.exp(-2 * x)
    assert form.subs("x", 0) == 3
    positive = to_sympy(parse("sqrt(x**2)", ["x"]), ["x"], [True])
    assert positive == sympy.Symbol("x", positive=True)


@pytest.mark.parametrize("given", [{}, {"real": True}, {"positive": True}, {"integer": True}])
def test_symbols_of_any_assumptions_are_read(given: dict[str, bool]) -> None:
    x, y = sympy.Symbol("x", **given), sympy.Symbol("y")
    assert from_sympy(x * sympy.exp(-y), ["x", "y"]) == parse("x/exp(y)", ["x", "y"])


@settings(max_examples=60, deadline=None)
@given(expressions(max_leaves=4, operators=("add", "sub", "mul", "div", "neg", "square", "sqrt", "log")))
def test_sympy_agrees_with_numpy(e: Expression) -> None:
    X = np.random.default_rng(0).uniform(0.5, 2.0, (3, 4))
    wanted = e.evaluate(X)
    assume(np.isfinite(wanted).all() and np.abs(wanted).max() < 1e12)
    form = to_sympy(e, NAMES)
    for k in range(4):
        found = complex(form.evalf(30, subs=dict(zip(to_sympy_symbols(), X[:, k], strict=True))))
        assert found.real == pytest.approx(wanted[k], rel=1e-6, abs=1e-6)
        assert abs(found.imag) < 1e-6


def to_sympy_symbols() -> list[sympy.Symbol]:
    return [sympy.Symbol(name) for name in NAMES]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x - y", "x - y"),
        ("3 - x", "3 - x"),
        ("-x - y", "-(x + y)"),
        ("x/(2*y)", "x/(2*y)"),
        ("1/(x*y)", "(x*y)**-1"),
        ("x**3*y**-2", "x**3/y**2"),
        ("x**4", "x**4"),
        ("x**(3/2)", "x**(3/2)"),
        ("x*exp(-y)", "x/exp(y)"),
        ("exp(-y)", "exp(-y)"),
        ("log(exp(x) - 1)", "logexpm1(x)"),
        ("log(1 - exp(-x))", "log1mexp(x)"),
        ("1/(exp(x/y) - 1)", "expm1(x/y)**-1"),
        ("1 - exp(x)", "-expm1(x)"),
        ("log(1 + x*y)", "log1p(x*y)"),
        ("cbrt(x)/cbrt(y)**2", "cbrt(x)/cbrt(y)**2"),
        ("cube(cbrt(x))", "x"),
        ("x/sqrt(2*pi)", "x/sqrt(2*pi)"),
        ("exp(1)*x", "exp(1)*x"),
        ("2.0*3.0*x", "6.0*x"),
        ("x**2.0", "x**2.0"),
        ("min(x, max(y, 2))", "min(x, max(y, 2))"),
        ("abs(x)*acos(y)", "abs(x)*acos(y)"),
    ],
)
def test_spelling(text: str, expected: str) -> None:
    found = from_sympy(to_sympy(parse(text, NAMES), NAMES), NAMES)
    assert Complexity().of(found) == Complexity().of(parse(expected, NAMES))
    X = np.random.default_rng(1).uniform(0.1, 0.9, (3, 7))
    np.testing.assert_allclose(found.evaluate(X), parse(text, NAMES).evaluate(X))
    if len(text) < 12:
        assert found.text(NAMES) == expected


def test_overflow_safe_forms_do_not_overflow() -> None:
    x = sympy.Symbol("x")
    X = np.array([[900.0]])
    assert from_sympy(sympy.log(sympy.exp(x) - 1), ["x"]).evaluate(X) == 900.0
    assert from_sympy(1 / (sympy.exp(x) - 1), ["x"]).evaluate(X) == 0.0


def test_names_are_never_sympys_own() -> None:
    names = ["E", "I", "S", "beta", "lambda", "v/c", "pi"]
    form = to_sympy(parse("E*I + S**beta - lambda/`v/c` + `pi`", names), names)
    assert sorted(s.name for s in form.free_symbols) == sorted(names)
    assert form.free_symbols == {sympy.Symbol(name) for name in names}
    assert from_sympy(form, names).variables == tuple(range(7))


def test_literals_are_exact_and_constants_floats() -> None:
    form = to_sympy(parse("1/3*x0 + 2*pi + exact(0.1)*x1 + 0.1"))
    x0, x1 = sympy.symbols("x0 x1")
    assert form.coeff(x0) == sympy.Rational(1, 3)
    assert form.coeff(x1) == sympy.Rational(1, 10)
    assert form.has(sympy.pi)
    assert [float(f) for f in form.atoms(sympy.Float)] == [0.1]
    back = from_sympy(form, ["x0", "x1"])
    assert back.n_constants == 1


def test_positive_features_and_symbolic_constants() -> None:
    assert to_sympy(parse("sqrt(x0**2)"), positive=[True]) == sympy.Symbol("x0", positive=True)
    c = sympy.Symbol("c")
    form = to_sympy(parse("2.5*x0"), constants=[c])
    assert form == c * sympy.Symbol("x0")
    assert from_sympy(form, ["x0"], {c: 2.5}) == parse("2.5*x0")


def test_order_does_not_depend_on_how_it_was_built() -> None:
    a, b, c = sympy.symbols("a b c")
    names = ["c", "a", "b"]
    assert from_sympy(a * b + c * a + b, names) == from_sympy(b + a * c + b * a, names)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (sympy.gamma(sympy.Symbol("x")), "function gamma"),
        (sympy.Function("f")(sympy.Symbol("x")), "function f"),
        (sympy.Symbol("q"), "symbol q is no column"),
        (sympy.I * sympy.Symbol("x"), "I has no finite real value"),
        (sympy.oo, "no finite real value"),
        (sympy.sqrt(sympy.Float(-2.0, 17)) * sympy.Symbol("x"), "no finite real value"),
        ("x + 1", "sympy expression is needed, not str"),
        (sympy.Integer(10) ** 400, "too large"),
    ],
)
def test_what_is_no_formula_is_refused(form: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_sympy(form, ["x"])


def test_towers_of_literals_and_constants_end() -> None:
    assert to_sympy(parse("9**9**9**x0")).has(sympy.Symbol("x0"))
    with pytest.raises(ConfigError):
        from_sympy(to_sympy(parse("sin(sinh(1e9))*x0")), ["x0"])
