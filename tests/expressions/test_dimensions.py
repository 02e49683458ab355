"""The unit check is algebra: it follows a change of units, and finds the units of the free constants."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from balmer.errors import ConfigError
from balmer.expressions import Expression, check_dimensions, parse
from balmer.units import BASE, DIMENSIONLESS, Dimension
from strategies import expressions

LENGTH, TIME, MASS = Dimension(m=1), Dimension(s=1), Dimension(kg=1)
NAMES = ["l", "t", "m"]
FEATURES = [LENGTH, TIME, MASS]
ANY = st.builds(
    Dimension, m=st.integers(-2, 2), s=st.sampled_from([-1, 0, Fraction(1, 2), 1]), kg=st.integers(0, 1)
)


@pytest.mark.parametrize(
    ("text", "target", "constants"),
    [
        ("1.0*t + l", LENGTH, [LENGTH / TIME]),
        ("sin(2.0*l)", None, [LENGTH**-1]),
        ("2.0*exp(-t/3.0)", MASS, [MASS, TIME]),
        ("2*pi*sqrt(l/9.81)", TIME, [LENGTH / TIME**2]),
        ("1/2*m*(l/t)**2", MASS * LENGTH**2 / TIME**2, []),
        ("(l + 2.0)**2/t", None, [LENGTH]),
        ("max(l, 3.0)", LENGTH, [LENGTH]),
        ("2.0*3.0*l", TIME, [None, None]),
        ("4.0**1.5*l", LENGTH, [DIMENSIONLESS, DIMENSIONLESS]),
        ("4.0**1.5*l", TIME, [(TIME / LENGTH) ** Fraction(2, 3), DIMENSIONLESS]),
        ("l**2.0", LENGTH**2, [DIMENSIONLESS]),
        ("l**1.3333333", LENGTH ** Fraction(4, 3), [DIMENSIONLESS]),
        ("sqrt(m*l)", (MASS * LENGTH) ** Fraction(1, 2), []),
        ("cbrt(l)**(3/2)", LENGTH ** Fraction(1, 2), []),
        ("(l/1.0)**(t/2.0)", None, [LENGTH, TIME]),
        ("l + 0", LENGTH, []),
        ("0*t + l", LENGTH, []),
        ("max(0, t)", TIME, []),
        ("sin(l/(3.0*t)) + 1", DIMENSIONLESS, [LENGTH / TIME]),
        ("log(l/2.0) - log(t/2.0)", None, [LENGTH, TIME]),
        ("1.5*(l + 2.5*t)", MASS, [MASS / LENGTH, LENGTH / TIME]),
        ("l*(2.0 + 3.0)", LENGTH, [DIMENSIONLESS, DIMENSIONLESS]),
    ],
)
def test_what_holds_and_the_units_of_constants(
    text: str, target: Dimension | None, constants: list[Dimension | None]
) -> None:
    report = check_dimensions(parse(text, NAMES), FEATURES, target)
    assert report.holds, report.reason
    assert list(report.constants) == constants
    assert report.reason == ""
    if target is not None:
        assert report.dimension == target


@pytest.mark.parametrize(
    ("text", "target", "reason"),
    [
        ("l + t", None, r"in l \+ t the operands have dimension m and dimension s"),
        ("m*(l - 2*t)", None, r"in l - 2\*t the operands"),
        ("sin(l/t)", None, "argument of sin has dimension m·s⁻¹"),
        ("log(l) - log(t)", None, r"in log\(l\) the argument"),
        ("l**t", None, "exponent has dimension s"),
        ("l**pi", None, "base of a power"),
        ("l**(t/2.0)", None, "base of a power"),
        ("l + 1", None, "the operands have dimension m and dimension 1"),
        ("l*t", LENGTH, r"l\*t has dimension m·s, but the target has dimension m"),
        ("exp(2.0*l) + sin(2.0*l) + l", None, "operands have dimension 1 and dimension m"),
        ("min(l, t)", None, "operands"),
    ],
)
def test_what_breaks_is_named(text: str, target: Dimension | None, reason: str) -> None:
    report = check_dimensions(parse(text, NAMES), FEATURES, target, names=NAMES)
    assert not report
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(report.reason)
    assert set(report.constants) <= {None}


def test_given_units_of_constants_are_kept_to() -> None:
    e = parse("9.81*t**2 + 2.0", NAMES)
    g = LENGTH / TIME**2
    report = check_dimensions(e, FEATURES, LENGTH, constants=[g, None])
    assert report.constants == (g, LENGTH)
    assert not check_dimensions(e, FEATURES, LENGTH, constants=[DIMENSIONLESS, None])


def test_missing_dimensions_are_told() -> None:
    with pytest.raises(ConfigError, match="uses 3 features, 2 dimensions"):
        check_dimensions(parse("x2"), FEATURES[:2])
    with pytest.raises(ConfigError, match="1 constants, 0 dimensions"):
        check_dimensions(parse("1.5"), [], constants=[])


FORMULAS = expressions(
    max_leaves=5, operators=("add", "sub", "mul", "div", "sqrt", "square", "max", "neg", "exp")
)
CHANGES = st.lists(st.integers(-3, 3), min_size=9, max_size=9).map(lambda a: np.array(a).reshape(3, 3))


def changed(dimension: Dimension, change: np.ndarray) -> Dimension:
    """The dimension over other base quantities, of which the old ones are products of powers."""
    old = [dimension.exponents[BASE.index(b)] for b in ("m", "s", "kg")]
    new = [sum((int(c) * o for c, o in zip(row, old, strict=True)), Fraction(0)) for row in change]
    return Dimension(m=new[0], s=new[1], kg=new[2])


@settings(deadline=None)
@given(FORMULAS, st.lists(ANY, min_size=3, max_size=3), ANY, CHANGES)
@example(parse("x0*2.0 + x1*3.0"), FEATURES, MASS, np.array([[1, 1, 0], [0, 1, 0], [0, 2, 1]]))
@example(parse("x0 + x1"), [LENGTH, LENGTH, TIME], LENGTH, np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]))
def test_a_change_of_base_quantities_changes_nothing(
    e: Expression, features: list[Dimension], target: Dimension, change: np.ndarray
) -> None:
    assume(abs(np.linalg.det(change)) > 0.5)
    before = check_dimensions(e, features, target)
    after = check_dimensions(e, [changed(f, change) for f in features], changed(target, change))
    assert before.holds == after.holds
    assert after.constants == tuple(None if c is None else changed(c, change) for c in before.constants)


@settings(deadline=None)
@given(
    FORMULAS,
    st.lists(ANY, min_size=3, max_size=3),
    st.lists(st.sampled_from([0.25, 0.5, 2.0, 4.0]), min_size=3, max_size=3),
)
@example(parse("2.0*exp(-x0/3.0)"), FEATURES, [2.0, 4.0, 0.25])
@example(parse("sqrt(x0*x1)/x2 + 1.5"), FEATURES, [2.0, 4.0, 0.25])
@example(parse("x0**(3/2)*max(x1, 0)"), FEATURES, [2.0, 4.0, 0.25])
def test_a_formula_that_holds_is_true_in_any_units(
    e: Expression, features: list[Dimension], units: list[float]
) -> None:
    def factor(dimension: Dimension) -> float:
        parts = zip(("m", "s", "kg"), units, strict=True)
        return float(np.prod([u ** float(dimension.exponents[BASE.index(b)]) for b, u in parts]))

    report = check_dimensions(e, features)
    assume(report.holds and report.dimension is not None and None not in report.constants)
    X = np.random.default_rng(0).uniform(0.5, 2.0, (3, 4))
    scales = np.array([[factor(f)] for f in features])
    constants = [c * factor(d) for c, d in zip(e.constants, report.constants, strict=True) if d is not None]
    value = e.evaluate(X)
    other = e.with_constants(constants).evaluate(X * scales)
    expected = value * factor(report.dimension)
    finite = np.isfinite(expected) & np.isfinite(other)
    size = float(np.abs(e.constants).max(initial=1.0)) + 100
    np.testing.assert_allclose(other[finite], expected[finite], rtol=1e-6, atol=1e-9 * size)


def test_a_fitted_exponent_is_legal_where_a_constant_takes_the_odd_unit() -> None:
    report = check_dimensions(parse("2.5*l**2.37", NAMES), FEATURES, LENGTH)
    assert report.holds
    assert report.constants[0] == Dimension(m=Fraction(1) - Fraction(237, 100))
    assert not check_dimensions(parse("l**2.37 + t**1.5", NAMES), FEATURES, None)


def test_a_column_without_a_unit_has_one_dimension_in_all_its_places():
    names = ["a", "t", "q"]
    dims = [Dimension(m=1), Dimension(s=1), None]
    speed = Dimension(m=1, s=-1)

    def holds(text, target=speed):
        return bool(check_dimensions(parse(text, names), dims, target))

    assert holds("a/q")  # q is a time
    assert holds("a/t")
    assert holds("a/(t + q)")
    assert holds("exp(q)*a/t")
    assert holds("a/(t + q) + a/q*2")
    assert not holds("a")
    assert not holds("a + t", None)
    assert not holds("a*exp(t/q) + q")  # a time, and a speed
    assert not holds("a/(t + q)*exp(q)")  # a time, and a pure number
    assert not holds("sin(t)*a/q")
    assert holds("q", None)


def test_the_sizes_of_units_are_solved_for_like_their_dimensions():
    import math

    names = ["x", "z"]  # in mm and in m
    length = Dimension(m=1)
    scales = [math.log(1e-3), 0.0, 0.0]

    def report(text):
        return check_dimensions(parse(text, names), [length, length], length, scales=scales)

    (factor,) = report("0.001*x").scales
    assert factor == pytest.approx(math.log(1e3))  # m/mm
    assert report("z").holds
    assert not report("x").holds  # of one dimension with the target, and another number
    assert not report("x + z").holds
    assert report("0.001*x + z").holds
    (factor,) = report("2.5*sqrt(x*z)").scales
    assert factor == pytest.approx(math.log(1e3) / 2)
    assert check_dimensions(parse("x + z", names), [length, length], length).holds
