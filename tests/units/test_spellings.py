"""What physicists write in the heads of tables has the meaning that they give it, and pure numbers a base scale."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer.errors import UnitError
from balmer.units import DIMENSIONLESS, Dimension, base_unit, parse_unit

COUNTED = [
    *(
        "ct",
        "cts",
        "cnt",
        "count",
        "counts",
        "ph",
        "photon",
        "photons",
        "evt",
        "evts",
        "event",
        "px",
        "pix",
        "pixel",
    ),
    *("pixels", "adu", "ADU", "DN", "electron", "electrons", "channel", "ch", "bins", "frames", "particles"),
    *("molecules", "atoms", "arb", "sigma", "unit", "pts", "#", "unitless", "dex", "mag"),
]
MEANT = [
    ("kcts", 1e3, DIMENSIONLESS),
    ("cts/s", 1.0, Dimension(s=-1)),
    ("ph/s/cm^2", 1e4, Dimension(s=-1, m=-2)),
    ("e-/s", 1.0, Dimension(s=-1)),
    ("cps", 1.0, Dimension(s=-1)),
    ("cpm", 1 / 60, Dimension(s=-1)),
    ("rpm", 2 * math.pi / 60, Dimension(s=-1)),
    ("rev", 2 * math.pi, DIMENSIONLESS),
    ("pct", 0.01, DIMENSIONLESS),
    ("wt%", 0.01, DIMENSIONLESS),
    ("mol %", 0.01, DIMENSIONLESS),
    ("ppb", 1e-9, DIMENSIONLESS),
    ("amin", math.pi / 10800, DIMENSIONLESS),
    ("asec", math.pi / 648000, DIMENSIONLESS),
    ("mas", math.pi / 648e6, DIMENSIONLESS),
    ("µas", math.pi / 648e9, DIMENSIONLESS),
    ("AA", 1e-10, Dimension(m=1)),
    ("hr", 3600.0, Dimension(s=1)),
    ("min", 60.0, Dimension(s=1)),
    ("a", 31557600.0, Dimension(s=1)),
    ("gm", 1e-3, Dimension(kg=1)),
    ("Torr", 133.32236842, Dimension(kg=1, m=-1, s=-2)),
    ("Nm", 1.0, Dimension(kg=1, m=2, s=-2)),
    ("kNm", 1e3, Dimension(kg=1, m=2, s=-2)),
    ("mil", 2.54e-5, Dimension(m=1)),
    ("solMass", 1.988409870698051e30, Dimension(kg=1)),
    ("R_earth", 6.3781e6, Dimension(m=1)),
]


@pytest.mark.parametrize("text", COUNTED)
def test_what_is_counted_is_a_pure_number(text):
    unit = parse_unit(text)
    assert (unit.scale, unit.dimension, unit.text) == (1.0, DIMENSIONLESS, text)


@pytest.mark.parametrize("text", ["arb. units", "arb. unit", "arb.u.", "arbitrary units", "Arb. Units"])
def test_arbitrary_units_are_a_pure_number_in_every_spelling(text):
    assert parse_unit(text).is_dimensionless
    assert parse_unit(text).factor == 1.0


@pytest.mark.parametrize(("text", "scale", "dimension"), MEANT, ids=[text for text, _, _ in MEANT])
def test_the_meaning_of_a_spelling(text, scale, dimension):
    unit = parse_unit(text)
    assert unit.dimension == dimension
    assert unit.scale == pytest.approx(scale, rel=1e-9)


@pytest.mark.parametrize("text", ["degC", "°C", "oC", "deg C", "degF", "dB", "a.u.", "ppt", "W/degC"])
def test_a_unit_that_no_formula_can_use_is_read_where_that_is_enough(text):
    with pytest.raises(UnitError):
        parse_unit(text)
    unit = parse_unit(text, only_read=True)
    assert unit.text == text
    assert unit.refusal


def test_what_is_ambiguous_says_how_to_write_it():
    with pytest.raises(UnitError, match=r"'a.u.' may mean arbitrary .*'arb'.*'AU'"):
        parse_unit("a.u.")
    with pytest.raises(UnitError, match=r"per trillion .*per thousand"):
        parse_unit("ppt")


BASES = [
    ("deg", "rad"),
    ("mrad", "rad"),
    ("arcsec", "rad"),
    ("rev", "rad"),
    ("rad", "rad"),
    ("deg^2", "rad^2"),
    ("%", "1"),
    ("ppm", "1"),
    ("mm/m", "1"),
    ("mmag", "1"),
    ("deg/s", "rad/s"),
    ("%/K", "1/K"),
    ("rpm", "rpm"),
    ("km", "km"),
    ("counts/s", "counts/s"),
]


@pytest.mark.parametrize(("text", "base"), BASES)
def test_the_unit_in_which_a_column_enters_formulas(text, base):
    unit = parse_unit(text)
    assert base_unit(unit).text == base
    assert base_unit(unit).factor == 1.0


def test_the_factor_of_a_degree_is_exact():
    assert parse_unit("deg").factor == math.pi / 180
    assert parse_unit("%").factor == 0.01
    assert parse_unit("deg/s").factor == math.pi / 180


parts = st.sampled_from(["deg", "%", "ppm", "mrad", "m", "s", "kg", "km", "K", "arcmin", "counts"])
powers = st.sampled_from([-2, -1, 1, 2])


@given(st.lists(st.tuples(parts, powers), min_size=1, max_size=4))
def test_one_of_a_unit_is_factor_of_its_base_unit(factors):
    unit = parse_unit(" ".join(f"{symbol}^{power}" for symbol, power in factors))
    base = base_unit(unit)
    assert base.dimension == unit.dimension
    assert base.scale * unit.factor == pytest.approx(unit.scale, rel=1e-12)
    again = parse_unit(base.text)  # its text says the same
    assert again.dimension == base.dimension
    assert again.scale == pytest.approx(base.scale, rel=1e-9)
    if unit.is_dimensionless:
        assert base.scale == 1.0
