"""Arrays of astropy, pint and pint-pandas bring their units, and a unit reads as what it is there."""

import numpy as np
import pandas as pd
import pytest

from balmer import Dataset
from balmer.data.quantities import column_unit, split
from balmer.errors import UnitError
from balmer.units import parse_unit

X = np.arange(1.0, 7.0)


SIZES = {"m": 1.0, "km": 1e3}


class Length:
    """What a quantity offers in astropy's manner: a value and a unit, and a change of unit."""

    def __init__(self, value, unit):
        self._value, self._unit = value, unit

    value = property(lambda self: self._value)
    unit = property(lambda self: self._unit)

    def to(self, unit):
        if unit not in SIZES:
            raise ValueError(f"{self.unit} is no {unit}")
        return Length(self.value * SIZES[self.unit] / SIZES[unit], unit)


def units(data):
    return {name: unit and unit.text for name, unit in data.units.items()}


def test_a_quantity_is_numbers_and_a_unit():
    values, unit = split(Length(X, "km"), "a")
    assert unit == "km"
    assert np.array_equal(values, X)
    values, unit = split([Length(1.0, "m"), Length(2.0, "km"), None], "a")
    assert unit == "m"
    assert np.array_equal(values, [1.0, 2000.0, np.nan], equal_nan=True)
    assert split(X, "a")[1] is None
    with pytest.raises(UnitError, match="column 'a' holds quantities that do not all measure the same"):
        split([Length(1.0, "m"), 3.0], "a")


def test_arrays_bring_their_units():
    data = Dataset.from_arrays({"a": Length(X, "km"), "b": X}, Length(X**2, "m"), sigma=Length(X, "km"))
    assert units(data) == {"a": "km", "b": None, "y": "m"}
    assert np.array_equal(data.sigma, 1000 * X)  # in the target's unit
    assert np.array_equal(data.X[0], X)
    assert units(Dataset.from_arrays({"a": Length(X, "km")}, X, units={"a": "m", "y": "s"})) == {
        "a": "m",
        "y": "s",
    }
    assert units(Dataset.from_arrays(Length(X[:, None], "km"), X)) == {"x0": "km", "y": None}


def test_cells_that_are_quantities_bring_the_unit_of_the_first():
    frame = pd.DataFrame({"a": [Length(x, "m" if x < 3 else "km") for x in X], "y": X})
    data = Dataset.from_pandas(frame, "y")
    assert units(data) == {"a": "m", "y": None}
    assert data.X[0] == pytest.approx(np.where(X < 3, X, 1000 * X))


def test_a_unit_that_cannot_be_read_is_refused_where_it_is_used():
    with pytest.raises(UnitError, match="column 'a': the unit 'furlongs per fortnight' cannot be read"):
        column_unit("furlongs per fortnight", "a")


def test_pint():
    pint = pytest.importorskip("pint")
    registry = pint.UnitRegistry()
    of = registry.Quantity
    data = Dataset.from_arrays({"a": of(X, "km/s"), "b": of(X, "degree")}, of(X**2, "count"))
    assert units(data) == {"a": "km/s", "b": "deg", "y": "count"}
    # 'ct' is the carat there, and a count here.
    assert parse_unit(column_unit(registry.carat, "a")).scale == 2e-4
    for name in ("MeV/c**2", "angstrom", "hour", "gauss", "kg*m**0.5", "particle", "percent", "ppm", "turn"):
        read = parse_unit(column_unit(registry.Unit(name), "a"))
        assert read == parse_unit(name) or read.scale == parse_unit(name).scale


def test_pint_pandas():
    pytest.importorskip("pint_pandas")
    frame = pd.DataFrame(
        {"a": pd.Series(X, dtype="pint[km]"), "T": pd.Series(X, dtype="pint[degC]"), "y": X**2}
    )
    data = Dataset.from_pandas(frame, "y", features=["a"])
    assert units(data) == {"a": "km", "y": None}
    assert np.array_equal(data.X[0], X)
    assert Dataset.from_pandas(frame, "y").units["T"].refusal
    assert units(Dataset.from_arrays({"a": frame["a"]}, X)) == {"a": "km", "y": None}


def test_astropy():
    u = pytest.importorskip("astropy.units")
    table = pytest.importorskip("astropy.table")
    given = {"a": X * u.km, "flux": X * 1e-17 * u.erg / u.s / u.cm**2 / u.AA, "N": X * u.ct, "th": X * u.deg}
    expected = {"a": 1e3, "flux": 1e-7 / 1e-4 / 1e-10, "N": 1.0, "th": np.pi / 180}
    for X_given in (given, table.QTable(given)):
        data = Dataset.from_arrays(X_given, X**2 * u.solMass)
        for name, scale in expected.items():
            assert data.units[name].scale * data.X[data.feature_names.index(name)][0] == pytest.approx(
                scale * given[name].value[0], rel=1e-12, abs=0
            )
        assert data.units["y"].scale == pytest.approx(1.98841e30, rel=1e-5)
    for unit in (
        u.Jy / u.beam,
        u.m**0.5,
        u.hourangle,
        u.jupiterMass,
        u.electron / u.s,
        u.arcsec**2,
        u.mag,
        u.percent,
    ):
        read = parse_unit(column_unit(unit, "a"))
        if unit != u.mag:  # there 10^-0.4, here a number of magnitudes
            assert read.scale == pytest.approx(unit.decompose().scale, rel=1e-5, abs=0)
    assert Dataset.from_arrays({"a": X * u.deg_C}, X**2).units["a"].refusal
