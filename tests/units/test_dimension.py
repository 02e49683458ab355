"""Dimensions form a vector space over the rationals, written multiplicatively."""

import copy
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer.errors import UnitError
from balmer.units import BASE, DIMENSIONLESS, Dimension

rationals = st.fractions(min_value=-4, max_value=4, max_denominator=6)
dimensions = st.lists(rationals, min_size=len(BASE), max_size=len(BASE)).map(
    lambda powers: Dimension.from_mapping(dict(zip(BASE, powers, strict=True)))
)


@given(dimensions, dimensions, dimensions)
def test_multiplication_is_an_abelian_group(a, b, c):
    assert (a * b) * c == a * (b * c)
    assert a * b == b * a
    assert a * DIMENSIONLESS == a
    assert (a / a).is_dimensionless
    assert a / b == a * b**-1


@given(dimensions, dimensions, rationals, rationals)
def test_powers_obey_the_laws_of_exponents(a, b, p, q):
    assert a**p * a**q == a ** (p + q)
    assert (a**p) ** q == a ** (p * q)
    assert (a * b) ** p == a**p * b**p
    assert (a**0).is_dimensionless


@given(dimensions, dimensions, dimensions)
def test_distance_is_a_metric(a, b, c):
    assert (a.distance(b) == 0) == (a == b)
    assert a.distance(b) == b.distance(a)
    assert a.distance(c) <= a.distance(b) + b.distance(c) + 1e-12


@given(dimensions)
def test_equal_dimensions_are_one_key_and_survive_a_copy(a):
    twin = Dimension.from_mapping(dict(zip(BASE, a.exponents, strict=True)))
    assert len({a, twin, copy.deepcopy(a)}) == 1


@given(dimensions)
def test_repr_can_be_read_by_python(a):
    names = {f"{base}=" for base, power in zip(BASE, a.exponents, strict=True) if power}
    assert all(name in repr(a) for name in names)
    assert repr(a).startswith("Dimension(")


def test_exponents_follow_the_order_of_the_base():
    assert BASE == ("m", "kg", "s", "A", "K", "mol", "cd", "E")
    assert Dimension(m=1, s=-2).exponents == (1, 0, -2, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("dimension", "text"),
    [
        (Dimension(m=2, kg=1, s=-2), "kg·m²·s⁻²"),
        (Dimension(m=Fraction(3, 2)), "m^(3/2)"),
        (Dimension(s=Fraction(-1, 2), kg=1), "kg·s^(-1/2)"),
        (Dimension(s=-12), "s⁻¹²"),
        (DIMENSIONLESS, "1"),
        (Dimension(E=-2), "GeV⁻²"),
    ],
)
def test_text(dimension, text):
    assert str(dimension) == text


@pytest.mark.parametrize(("given_power", "exact"), [(0.5, Fraction(1, 2)), (1 / 3, Fraction(1, 3)), (2.0, 2)])
def test_floats_that_are_small_fractions_become_exact(given_power, exact):
    assert Dimension(m=1) ** given_power == Dimension(m=exact)


@pytest.mark.parametrize("power", [0.123456, 2**0.5, float("nan"), float("inf"), 1 / 65])
def test_other_floats_are_refused(power):
    with pytest.raises(UnitError, match="not exact; accepted are integers"):
        Dimension(m=1) ** power


def test_an_unknown_base_is_named():
    with pytest.raises(UnitError, match="'lb' is not a base unit; accepted are m, kg, s"):
        Dimension.from_mapping({"lb": 1})


def test_dimensions_cannot_be_changed():
    with pytest.raises(AttributeError):
        Dimension(m=1).exponents = ()
