"""In natural units the constants of nature are 1, and every mechanical dimension is a power of energy."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer.errors import UnitError
from balmer.units import Dimension, natural_dimension, natural_scale, parse_unit, to_natural

mechanical = st.builds(Dimension, **{base: st.integers(-4, 4) for base in ("m", "kg", "s", "A", "K")})


@pytest.mark.parametrize("constant", ["hbar", "c", "k_B", "epsilon_0", "hbar*c"])
def test_the_constants_are_one(constant):
    unit = parse_unit(constant)
    assert to_natural(unit.dimension).is_dimensionless
    assert natural_scale(unit) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "power", "scale"),
    [
        ("GeV", 1, 1.0),
        ("MeV", 1, 1e-3),
        ("GeV/c^2", 1, 1.0),
        ("GeV/c", 1, 1.0),
        ("fm", -1, 1 / 0.1973269804),
        ("K", 1, 8.617333262e-14),
        ("s", -1, 1 / 6.582119569e-25),
        ("mb", -2, 1 / 0.3893793721),
        ("e", 0, math.sqrt(4 * math.pi / 137.035999)),
        ("GeV^(1/2)", Fraction(1, 2), 1.0),
        ("rad", 0, 1.0),
    ],
)
def test_sizes_in_powers_of_gev(text, power, scale):
    unit = parse_unit(text)
    assert natural_dimension(unit) == power
    assert to_natural(unit.dimension) == Dimension(E=power)
    assert natural_scale(unit) == pytest.approx(scale, rel=1e-8)


@given(mechanical, mechanical)
def test_projection_is_a_homomorphism_and_stays_put(a, b):
    assert to_natural(a * b) == to_natural(a) * to_natural(b)
    assert to_natural(to_natural(a)) == to_natural(a)


@pytest.mark.parametrize("text", ["mol", "cd", "J/(mol K)"])
def test_what_is_no_power_of_energy_is_refused(text):
    with pytest.raises(UnitError, match=r"has no natural unit: '(mol|cd)' is no power of energy"):
        natural_scale(parse_unit(text))
