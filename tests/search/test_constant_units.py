"""A constant's unit comes from the target and the law's own columns, and makes the equation one of quantities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer import Dataset, Problem
from balmer.expressions import parse
from balmer.search.refine import law_of, refit
from balmer.units import parse_unit

RNG = np.random.default_rng(11)
T = RNG.uniform(1.0, 5.0, 30)


def law(text, columns, y, units):
    data = Dataset.from_arrays(columns, y, units=units)
    problem = Problem(data)
    return law_of(refit(parse(text, data.feature_names), problem, "test"), problem)


@pytest.mark.parametrize("unit", ["%", "mm", "deg", "ppm", "km", "mK", "Torr", "arb"])
def test_a_column_that_is_not_used_takes_no_unit_away(unit):
    found = law("1.0*t", {"t": T, "dummy": T[::-1]}, 3.217 * T, {"t": "s", "dummy": unit, "y": "m"})
    (constant,) = found.constants
    assert str(constant.unit) == "m/s"
    assert constant.value == pytest.approx(3.217)
    assert found.carried == ("c1 carries a unit (m/s)" if unit not in ("mm", "km") else "")


def test_an_angle_or_a_fraction_of_the_law_adds_nothing_to_a_unit():
    found = law(
        "1.0*t*p*cos(a)", {"t": T, "p": T[::-1], "a": 10 * T}, T, {"t": "s", "p": "%", "a": "deg", "y": "m"}
    )
    assert str(found.constants[0].unit) == "m/s"


def test_columns_of_two_systems_still_give_a_right_unit():
    # sqrt(x z) with x in mm and z in m: the constant takes up the odd sqrt(mm/m).
    x, z = RNG.uniform(100.0, 900.0, 30), RNG.uniform(0.1, 3.0, 30)
    y = 2.5 * np.sqrt(1e-3 * x * z)
    found = law("1.0*sqrt(x*z)", {"x": x, "z": z}, y, {"x": "mm", "z": "m", "y": "m"})
    (constant,) = found.constants
    assert constant.value * constant.unit.scale == pytest.approx(2.5)
    assert str(constant.unit) == "m^(1/2)/mm^(1/2)"
    # A pure number by dimension, with a size: revolutions of an angular speed in rpm over minutes.
    found = law("cos(0.1*w*t)", {"w": x, "t": z}, np.cos(0.1047 * x * z), {"w": "rpm", "t": "s", "y": "1"})
    assert str(found.constants[0].unit) == "1/rpm/s"


def test_a_shift_of_the_one_and_a_slope_of_the_other():
    x, z = RNG.uniform(100.0, 900.0, 30), RNG.uniform(0.1, 3.0, 30)
    found = law(
        "1.0*x + 2.0*z + 0.5", {"x": x, "z": z}, 2e-3 * x + 3 * z + 1, {"x": "mm", "z": "m", "y": "m"}
    )
    assert [str(c.unit) for c in found.constants] == ["m/mm", "1", "m"]


CASES = [
    ("1.0*a*t**2", {"a": "m/s^2", "t": "s"}, "m"),
    ("1.0*a/t + 2.0*a", {"a": "m", "t": "s"}, "m/s"),
    ("1.0*sqrt(a/t)", {"a": "N", "t": "kg"}, "m/s"),
    ("2.0*a + 1.0*t", {"a": "J", "t": "kg"}, "eV"),
    ("1.0*exp(-0.1*t)*a", {"a": "V", "t": "s"}, "V"),
    ("3.0*a**2 + 1.0*cos(0.1*t)", {"a": "m", "t": "K"}, "s"),
]
PREFIXES = st.sampled_from(["", "m", "k", "u", "M"])


@given(st.sampled_from(CASES), st.tuples(PREFIXES, PREFIXES, PREFIXES))
def test_units_make_the_equation_one_of_quantities(case, prefixes):
    """In whatever units the columns are: SI values of columns and constants give the target's SI value."""
    text, given_units, target = case
    units = {"a": given_units["a"], "t": given_units["t"], "y": target}
    units = {
        name: unit if unit == "kg" else prefix + unit
        for (name, unit), prefix in zip(units.items(), prefixes, strict=True)
    }
    sizes = {name: parse_unit(unit).scale for name, unit in units.items()}
    a, t = RNG.uniform(1.0, 2.0, 20), RNG.uniform(1.0, 2.0, 20)
    data = Dataset.from_arrays({"a": a, "t": t}, a + t, units=units)
    problem = Problem(data)
    expression = parse(text, ["a", "t"])
    found = law_of(refit(expression, problem, "test", max_steps=1), problem)
    assert found.units_hold
    assert None not in [c.unit for c in found.constants]
    in_si = found.expression.with_constants([c.value * c.unit.scale for c in found.constants])
    quantities = np.array([a * sizes["a"], t * sizes["t"]])
    assert in_si.evaluate(quantities) == pytest.approx(found.predict(data) * sizes["y"], rel=1e-8)


def test_a_unit_that_goes_with_a_fitted_exponent_is_none():
    found = law("2.0*t**1.3", {"t": T}, 2.1 * T**1.37, {"t": "s", "y": "m"})
    assert found.has_fitted_exponent
    assert found.constants[0].unit is None
    assert str(found.constants[1].unit) == "1"


def test_the_unit_hangs_on_a_column_that_has_none():
    found = law("2.0*t*q", {"t": T, "q": T[::-1]}, 2.0 * T * T[::-1], {"t": "s", "y": "m"})
    assert found.units_hold
    assert found.constants[0].unit is None
    found = law("2.0*t", {"t": T, "q": T[::-1]}, 2.0 * T, {"t": "s", "y": "m"})
    assert str(found.constants[0].unit) == "m/s"


def test_several_constants_carry_units_in_one_line():
    found = law("1.0*exp(0.1*t) + 2.0", {"t": T}, 3.0 * np.exp(0.2 * T) + 1.0, {"t": "s", "y": "V"})
    assert found.carried == "c1 and c3 carry units (V, V)"
    assert math.isfinite(found.loss)
