"""Constants that are pure numbers, and constants of nature: which laws the units alone allow."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.constants

import balmer as bm
from balmer.engines import Objective, Problem, SearchSpace
from balmer.errors import ConfigError, DataError, UnitError
from balmer.expressions import parse

PURE = Objective(constants="dimensionless")
RNG = np.random.default_rng(2)


def table(columns, y, units):
    return bm.Dataset.from_arrays(columns, y, units=units)


def light(n=60):
    f, T = RNG.uniform(1e14, 1e15, n), RNG.uniform(300.0, 6000.0, n)
    x = scipy.constants.h * f / (scipy.constants.k * T)
    return table({"f": f, "T": T}, scipy.constants.h * f / np.expm1(x), {"f": "Hz", "T": "K", "y": "J"})


def find(data, **options):
    return bm.discover(data, evaluations=20_000, seed=1, engine="embedded", objective=PURE, **options)


def test_plancks_oscillator_is_found_with_his_constant():
    law = find(light().with_nature("h k_B c")).best
    assert law.text() in ("f*h/(exp(f*h/(T*k_B)) - 1)", "h*f/(exp(h*f/(k_B*T)) - 1)")
    assert law.units_hold
    assert law.constants == ()


def test_a_radius_that_the_units_fix_but_for_a_number():
    M = RNG.uniform(1e20, 1e31, 40)
    radius = 2 * scipy.constants.G * M / scipy.constants.c**2
    law = find(table({"M": M}, radius, {"M": "kg", "y": "m"}).with_nature("G, c")).best
    assert law.expression.variables == (0, 1, 2)
    assert law.loss < 1e-20 * np.mean(radius**2)
    assert law.text() == "2*M*G/c**2"


@pytest.mark.parametrize("rows", [4, 50])
def test_constants_of_nature_are_columns(rows):
    data = light(rows).with_nature("h k_B")
    assert data.feature_names == ("f", "T", "h", "k_B")
    assert np.ptp(data.X[2]) == 0
    assert data.X[2, 0] == pytest.approx(6.62607015e-34, rel=1e-12)
    assert data.units["h"].dimension == data.units["y"].dimension / data.units["f"].dimension
    with pytest.raises(
        DataError, match="'alpha' is no constant of nature known here; accepted are c, h, hbar"
    ):
        data.with_nature("alpha")
    with pytest.raises(DataError, match="'h' has the name of a column"):
        data.with_nature("h")


def test_a_wrong_unit_is_said_before_any_search():
    t, a = RNG.uniform(1.0, 3.0, 20), RNG.uniform(1.0, 3.0, 20)
    right = {"t": "s", "a": "m/s^2", "y": "m"}
    assert Problem(table({"t": t, "a": a}, a * t**2 / 2, right), SearchSpace(), PURE).check_units
    wrong = table({"t": t, "a": a}, a * t**2 / 2, {**right, "a": "s/s^2"})
    with pytest.raises(
        UnitError, match=r"no formula can match: the target 'y' has dimension m, .*a \["
    ) as caught:
        bm.discover(wrong, evaluations=1000, objective=PURE)
    assert len(str(caught.value).splitlines()) == 1
    found = bm.discover(
        wrong, evaluations=1000, engine="embedded"
    )  # a constant may have metres: one short line
    assert "no formula can match" not in repr(found)
    assert "In the chosen law c1 carries a unit (" in repr(found)
    for law in found.front:
        assert law.wildcards
        assert law.carried.startswith("c1 carries a unit (") or " carry units (" in law.carried
        assert law.carried in str(law)
    none = SearchSpace(max_constants=0)
    assert Problem(wrong, none).notice.startswith("no formula can match unless a constant brings in a unit")
    found = bm.discover(table({"t": t, "a": a}, a * t**2 / 2, right), evaluations=1000, engine="embedded")
    assert found.problem.notice == ""
    assert "Note" not in repr(found)
    assert found.best.text() in ("a*t**2/2", "a/2*t**2")
    assert not any(law.wildcards for law in found.front if not law.constants)


def test_formulas_whose_constants_would_need_a_unit_do_not_hold():
    data = table({"t": np.arange(1.0, 9.0)}, np.arange(1.0, 9.0) ** 2, {"t": "s", "y": "s^2"})
    for objective, holds in ((Objective(), True), (PURE, False)):
        report = Problem(data, SearchSpace(), objective).dimension_report(parse("3.1*t", ["t"]))
        assert report.holds == holds
    assert Problem(data, SearchSpace(), PURE).dimension_report(parse("3.1*t**2", ["t"]))
    found = bm.discover(
        data,
        evaluations=5000,
        seed=1,
        engine="embedded",
        objective=PURE,
        space=SearchSpace(operators="+ * exp"),
    )
    for law in found.front:
        assert law.units_hold
        assert all(c.unit is not None and c.unit.is_dimensionless for c in law.constants)
    with pytest.raises(ConfigError, match=r"start formula .* is dimensionally wrong"):
        bm.discover(data, evaluations=100, engine="embedded", objective=PURE, start=["2.5*t"])


def test_plancks_law_is_found_where_its_exponential_overflows():
    nu, T = 10 ** RNG.uniform(12, 16, 300), 10 ** RNG.uniform(2, 3.8, 300)
    h, k, c = scipy.constants.h, scipy.constants.k, scipy.constants.c
    with np.errstate(over="ignore"):
        y = 2 * h * nu**3 / c**2 / np.expm1(h * nu / (k * T))
    assert np.max(h * nu / (k * T)) > 1000
    data = table({"nu": nu, "T": T}, y, {"nu": "Hz", "T": "K", "y": "W/(m^2*Hz)"})
    law = find(data.with_nature("h k_B c")).best
    assert law.constants == ()
    assert "exp" in law.expression.operators
    assert law.loss < 1e-20 * np.mean(y**2)


def test_in_natural_units_energies_and_momenta_may_be_added():
    p, m = RNG.uniform(1.0, 5.0, 60), RNG.uniform(100.0, 900.0, 60)
    E = np.sqrt((p * 1000) ** 2 + m**2)
    data = table({"p": p, "m": m}, E, {"p": "GeV/c", "m": "MeV/c^2", "y": "MeV"}).in_natural_units()
    assert [str(unit) for unit in data.units.values()] == ["GeV", "GeV", "GeV"]
    assert data.y == pytest.approx(E / 1000, rel=1e-12)
    law = find(data).best
    assert law.text() in ("sqrt(p**2 + m**2)", "sqrt(m**2 + p**2)")
    assert law.units_hold
    cross = table({"s": p}, 1 / p, {"s": "GeV^2", "y": "mb"}).in_natural_units()
    assert str(cross.units["y"]) == "1/GeV^2"
    assert cross.y * 0.3893794 == pytest.approx(1 / p, rel=1e-6)  # GeV^2 mb, PDG
    with pytest.raises(UnitError, match="column 'n': 'mol' has no natural unit"):
        table({"n": p}, p, {"n": "mol", "y": "1"}).in_natural_units()
