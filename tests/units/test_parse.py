"""Units as physicists write them have their size and dimension in SI, and bad ones a clear message."""

import contextlib
import math
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer.errors import UnitError
from balmer.units import DIMENSIONLESS, Dimension, Unit, parse_unit

ENERGY = Dimension(kg=1, m=2, s=-2)
LENGTH = Dimension(m=1)
c = 299792458.0
eV = 1.602176634e-19

KNOWN = [
    ("m", 1, LENGTH),
    ("km", 1e3, LENGTH),
    ("µm", 1e-6, LENGTH),
    ("um", 1e-6, LENGTH),
    ("Å", 1e-10, LENGTH),
    ("\u212b", 1e-10, LENGTH),
    ("Angstrom", 1e-10, LENGTH),
    ("AU", 149597870700, LENGTH),
    ("au", 149597870700, LENGTH),
    ("pc", 149597870700 * 648000 / math.pi, LENGTH),
    ("Mpc", 149597870700e6 * 648000 / math.pi, LENGTH),
    ("ly", 9460730472580800, LENGTH),
    ("L", 1e-3, LENGTH**3),
    ("yr", 31557600, Dimension(s=1)),
    ("day", 86400, Dimension(s=1)),
    ("g", 1e-3, Dimension(kg=1)),
    ("M_sun", 1.98841e30, Dimension(kg=1)),
    ("eV", eV, ENERGY),
    ("keV", 1e3 * eV, ENERGY),
    ("MeV", 1e6 * eV, ENERGY),
    ("GeV", 1e9 * eV, ENERGY),
    ("TeV", 1e12 * eV, ENERGY),
    ("erg", 1e-7, ENERGY),
    ("dyn", 1e-5, Dimension(kg=1, m=1, s=-2)),
    ("GeV/c^2", 1e9 * eV / c**2, Dimension(kg=1)),
    ("GeV/c", 1e9 * eV / c, Dimension(kg=1, m=1, s=-1)),
    ("eV/k_B", eV / 1.380649e-23, Dimension(K=1)),
    ("hbar", 1.054571817e-34, Dimension(kg=1, m=2, s=-1)),
    ("T", 1, Dimension(kg=1, s=-2, A=-1)),
    ("G", 1e-4, Dimension(kg=1, s=-2, A=-1)),
    ("mG", 1e-7, Dimension(kg=1, s=-2, A=-1)),
    ("statC", 0.1 / c, Dimension(A=1, s=1)),
    ("Jy", 1e-26, Dimension(kg=1, s=-2)),
    ("fb^-1", 1e43, Dimension(m=-2)),
    ("deg", math.pi / 180, DIMENSIONLESS),
    ("°", math.pi / 180, DIMENSIONLESS),
    ("rad", 1, DIMENSIONLESS),
    ("%", 0.01, DIMENSIONLESS),
    ("percent", 0.01, DIMENSIONLESS),
    ("mag", 1, DIMENSIONLESS),
    ("dex", 1, DIMENSIONLESS),
    ("pixel", 1, DIMENSIONLESS),
    ("mol/L", 1e3, Dimension(mol=1, m=-3)),
    ("km/s/Mpc", 1e-3 * math.pi / (149597870700 * 648000), Dimension(s=-1)),
    ("m^2", 1, LENGTH**2),
    ("m**2", 1, LENGTH**2),
    ("m²", 1, LENGTH**2),
    ("m^{2}", 1, LENGTH**2),
    ("m2", 1, LENGTH**2),
    ("cm-3", 1e6, LENGTH**-3),
    ("m s⁻¹", 1, Dimension(m=1, s=-1)),
    ("kg m s^-2", 1, Dimension(kg=1, m=1, s=-2)),
    ("kg·m·s⁻²", 1, Dimension(kg=1, m=1, s=-2)),
    ("J*s", 1, Dimension(kg=1, m=2, s=-1)),
    ("J/(kg K)", 1, Dimension(m=2, s=-2, K=-1)),
    ("1/cm", 100, LENGTH**-1),
    ("10^-16 erg/s", 1e-23, Dimension(kg=1, m=2, s=-3)),
    ("m^(1/2)", 1, LENGTH ** Fraction(1, 2)),
    ("m^0.5", 1, LENGTH ** Fraction(1, 2)),
    ("day/AU^(3/2)", 86400 / 149597870700**1.5, Dimension(s=1, m=Fraction(-3, 2))),
]


@pytest.mark.parametrize(("text", "scale", "dimension"), KNOWN, ids=[text for text, _, _ in KNOWN])
def test_size_and_dimension(text, scale, dimension):
    unit = parse_unit(text)
    assert unit.text == text
    assert unit.dimension == dimension
    assert unit.scale == pytest.approx(scale, rel=1e-5 if "sun" in text else 1e-9)


@pytest.mark.parametrize("text", ["", "1", "dimensionless", "none", "None", "-", " "])
def test_spellings_of_a_pure_number(text):
    assert parse_unit(text) == Unit(text, 1.0, DIMENSIONLESS)


def test_prefixes_are_exact():
    assert parse_unit("L").scale == 0.001
    assert parse_unit("nm").scale == 1e-9
    assert parse_unit("keV").scale == 1.602176634e-16


units = st.sampled_from([text for text, _, _ in KNOWN]).map(parse_unit)
powers = st.sampled_from([Fraction(1, 2), Fraction(-3, 2), 2, -1, 3])


@given(units, units, powers)
def test_the_text_of_a_combination_means_what_it_says(a, b, power):
    for combined in (a * b, a / b, a**power, a / b**power):
        again = parse_unit(combined.text)
        assert again.dimension == combined.dimension
        assert again.scale == pytest.approx(combined.scale, rel=1e-12)


def test_combinations_read_well():
    day, au = parse_unit("day"), parse_unit("AU")
    kepler = day / au ** Fraction(3, 2)
    assert kepler.text == "day/AU^(3/2)"
    assert kepler.latex() == r"\mathrm{day}\,\mathrm{AU}^{-3/2}"
    assert (day / day).text == "1"
    assert (parse_unit("km/s") / parse_unit("Mpc")).text == "km/s/Mpc"
    assert (parse_unit("1") / day).text == "1/day"
    assert (parse_unit("%") * day).latex() == r"\%\,\mathrm{day}"
    assert parse_unit("µm").latex() == r"\mathrm{\mu m}"
    assert parse_unit("GeV/c^2").latex() == r"\mathrm{GeV}\,c^{-2}"


def test_a_text_of_the_callers_own_counts_as_one_symbol():
    assert (Unit("my;unit", 2.0, LENGTH) ** 2).text == "my;unit^2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("secnd", "unknown unit 'secnd'; did you mean 'second'"),
        ("m/secnd", "unknown unit 'secnd' in 'm/secnd'; did you mean 'second'"),
        ("KM", "unknown unit 'KM'; did you mean 'km'"),
        ("kilometr", "did you mean 'kilometer'"),
        ("qqqqqq", "unknown unit 'qqqqqq'; accepted are units known to pint"),
        ("degC", "'degC' has an offset.*use K"),
        ("°C", "'°C' has an offset.*use K"),
        ("degF", "'degF' has an offset.*use K"),
        ("dB", "'dB' is a logarithmic unit"),
        ("dBm", "'dBm' is a logarithmic unit"),
        ("J/kg K", "cannot read the unit 'J/kg K': a product after a slash is ambiguous"),
        ("W/m²·K", "a product after a slash is ambiguous"),
        ("Mpc/h", "'h' may be the hour or the Hubble parameter"),
        ("m^", "after \\^ a number is expected"),
        ("m^x", "after \\^ a number is expected"),
        ("(m", "a '\\)' is missing"),
        ("m)", "'\\)' is out of place"),
        ("m//s", "'/' is out of place"),
        ("m/", "it ends too early"),
        ("m^(1/0)", "divided by zero"),
        ("m^1e9", "'1e9' is not an exponent"),
        ("m^1000", "beyond 99"),
        ("0 m", "not a positive number"),
        ("1e999 m", "not a positive number"),
        ("m;s", "';' is out of place"),
        ("__import__('os')", "cannot read the unit|unknown unit"),
    ],
)
def test_bad_units_are_explained(text, message):
    with pytest.raises(UnitError, match=message):
        parse_unit(text)


def test_the_column_is_named():
    with pytest.raises(UnitError, match=r"^column 'speed': unknown unit 'kmh'"):
        parse_unit("kmh", column="speed")
    with pytest.raises(UnitError, match=r"^column 'speed': a unit must be text"):
        parse_unit(3, column="speed")


@given(st.text(max_size=12))
def test_any_text_is_a_unit_or_a_unit_error(text):
    with contextlib.suppress(UnitError):
        assert parse_unit(text).scale > 0


def test_pint_is_not_imported_before_a_unit_is_read():
    code = "import sys, balmer.units; assert 'pint' not in sys.modules and 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
