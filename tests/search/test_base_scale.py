"""Angles in degrees, per cent and ppm: formulas are of radians and fractions, tables of what the user wrote."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import balmer as bm
from balmer import Dataset, Front, Objective, Problem
from balmer.expressions import parse
from balmer.search.front_file import read_front, write_front
from balmer.search.refine import law_of, refit
from balmer.sklearn import SymbolicRegressor
from balmer.units import parse_unit

THETA = np.arange(0.0, 180.0, 5.0)  # in degrees
RNG = np.random.default_rng(5)


def malus(unit="deg", target="W/m^2", theta=None, **options):
    theta = THETA if theta is None else theta
    angle = theta * parse_unit(unit).scale
    units = {"theta": unit, "I": target}
    return Dataset.from_arrays(
        {"theta": theta}, 12.5 * np.cos(angle) ** 2, target="I", units=units, **options
    )


def law(text, data, **objective):
    problem = Problem(data, objective=Objective(**objective))
    return law_of(refit(parse(text, data.feature_names), problem, "test"), problem)


def agree(found, data):
    """The law says the same in all its forms, of the columns' own numbers."""
    expected = found.predict(data)
    rows = dict(zip(data.feature_names, data.X, strict=True))
    assert found.predict(rows) == pytest.approx(expected, rel=1e-12)
    assert found.predict(data.X.T) == pytest.approx(expected, rel=1e-12)
    assert found.to_numpy()(**rows) == pytest.approx(expected, rel=1e-12)
    used = [found.symbols[found.names[i]] for i in found.expression.variables]
    lambdified = sympy.lambdify(used, found.sympy(), "numpy")
    values = lambdified(*(rows[s.name] for s in used)) * np.ones(data.n_rows)
    assert values == pytest.approx(expected, rel=1e-9, abs=1e-12 * np.abs(expected).max())


def test_malus_in_degrees():
    found = bm.discover(malus(), evaluations=2000, engine="embedded")
    assert found.best.text() in ("12.5*cos(theta)**2", "25/2*cos(theta)**2")
    assert found.best.predict(malus()) == pytest.approx(malus().y, abs=1e-12)
    assert found.best.sympy().subs("theta", 60).evalf() == pytest.approx(12.5 / 4)
    assert found.best.sympy().has(sympy.cos(sympy.pi * sympy.Symbol("theta") / 180))
    assert found.best.to_numpy()(60.0) == pytest.approx(12.5 / 4)
    assert found.best.reading == "theta in rad (1 deg = 0.0174533)"
    assert "theta in rad" in repr(found)
    agree(found.best, malus())


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("deg", sympy.pi / 180), ("arcmin", sympy.pi / 10800), ("arcsec", sympy.pi / 648000), ("rev", 2 * sympy.pi),
     ("mas", sympy.pi / 648000000), ("%", sympy.Rational(1, 100)), ("ppm", sympy.Rational(1, 10**6)),
     ("mrad", sympy.Rational(1, 1000)), ("ppb", sympy.Rational(1, 10**9)), ("gon", sympy.pi / 200)],
)  # fmt: skip
def test_factors_are_exact_in_sympy(unit, factor):
    x = np.linspace(1.0, 3.0, 20)
    data = Dataset.from_arrays({"p": x}, np.sin(x * parse_unit(unit).scale), units={"p": unit, "y": "1"})
    found = law("sin(p)", data)
    assert found.sympy() == sympy.sin(factor * sympy.Symbol("p"))


UNITS = {"angle": ["rad", "deg", "mrad", "arcmin", "rev"], "part": ["1", "%", "ppm", "mm/m"]}


@given(
    st.sampled_from(UNITS["angle"]),
    st.sampled_from(UNITS["part"]),
    st.sampled_from(["1", "%", "ppm"]),
    st.booleans(),
)
def test_rescaling_the_unit_of_a_pure_number_changes_no_law(angle, part, target, with_sigma):
    """The same quantities in other units: the same formula, and the same predictions as quantities."""
    a, p = np.linspace(0.1, 1.4, 25), np.linspace(0.02, 0.3, 25)
    y = 0.3 * np.sin(a) + 0.7 * p**2 + 1e-3 * np.cos(40 * a)

    def made(angle, part, target):
        sizes = [parse_unit(u).scale for u in (angle, part, target)]
        return Dataset.from_arrays(
            {"a": a / sizes[0], "p": p / sizes[1]},
            y / sizes[2],
            units={"a": angle, "p": part, "y": target},
            sigma=np.full(25, 1e-3) / sizes[2] if with_sigma else None,
        ), sizes[2]

    (base, _), (other, size) = made("rad", "1", "1"), made(angle, part, target)
    for loss in ("squared", "huber"):
        first = law("0.5*sin(a) + 0.5*p**2", base, loss=loss, delta=1.0)
        second = law("0.5*sin(a) + 0.5*p**2", other, loss=loss, delta=1.0 if with_sigma else 1.0 / size)
        assert [c.value for c in second.constants] == pytest.approx(
            [c.value for c in first.constants], rel=1e-6
        )
        assert [c.error for c in second.constants] == pytest.approx(
            [c.error for c in first.constants], rel=1e-4
        )
        assert second.loss == pytest.approx(first.loss, rel=1e-6)
        assert second.predict(other) * size == pytest.approx(first.predict(base), rel=1e-6)
        # A table in other units is converted, feature by feature.
        assert first.predict(other) == pytest.approx(first.predict(base), rel=1e-9)
        assert second.units_hold
        agree(second, other)


def test_a_rate_of_angle_enters_in_radians():
    omega, t = RNG.uniform(1.0, 90.0, 60), RNG.uniform(0.1, 3.0, 60)
    y = 2.5 * np.cos(np.radians(omega * t))
    data = Dataset.from_arrays({"w": omega, "t": t}, y, units={"w": "deg/s", "t": "s", "y": "V"})
    found = law("2.0*cos(w*t)", data)
    assert found.loss < 1e-25
    assert found.units_hold
    assert found.reading == "w in rad/s (1 deg/s = 0.0174533)"
    agree(found, data)


def test_a_slope_with_per_cent_says_how_it_is_read():
    p = np.linspace(5.0, 60.0, 12)
    data = Dataset.from_arrays({"p": p}, 0.42 * p, units={"p": "%", "y": "mV"})
    found = law("1.0*p", data)
    (constant,) = found.constants
    assert constant.value == pytest.approx(42.0)
    assert str(constant.unit) == "mV"
    assert "with p as a plain number (1 % = 0.01)" in str(found)
    agree(found, data)


def test_a_saved_front_predicts_the_same(tmp_path):
    data = malus(sigma=np.full(len(THETA), 0.1))
    found = Front((law("10.0*cos(theta)**2 + 0.1*theta", data), law("10.0*cos(theta)", data)))
    with (tmp_path / "front.parquet").open("wb") as file:
        write_front(found, file)
    again = read_front(tmp_path / "front.parquet")
    for before, after in zip(found, again, strict=True):
        assert np.array_equal(before.predict(data), after.predict(data))
        assert before.reading == after.reading
        agree(after, data)


def test_a_front_of_an_early_version_keeps_its_numbers(tmp_path):
    """Its formulas took degrees for numbers; it does not say so, and has no base scale."""
    import json

    from pyarrow import parquet

    data = malus()
    with (tmp_path / "front.parquet").open("wb") as file:
        write_front(Front((law("10.0*cos(0.01745*theta)", data, units="ignore"),)), file)
    table = parquet.read_table(tmp_path / "front.parquet")
    shared = json.loads(table.schema.metadata[b"balmer"])
    assert shared.pop("base_scale")
    parquet.write_table(
        table.replace_schema_metadata({b"balmer": json.dumps(shared)}), tmp_path / "old.parquet"
    )
    (old,) = read_front(tmp_path / "old.parquet")
    assert old.predict({"theta": THETA}) == pytest.approx(old.expression.evaluate(THETA[None]))


def test_equations_of_pysr_are_of_the_columns_numbers(tmp_path):
    (tmp_path / "hall_of_fame.csv").write_text(
        'Complexity,Loss,Equation\n6,1e-3,"12.5 * square(cos(0.017453292519943295 * theta))"\n'
    )
    data = malus()
    (found,) = Front.from_pysr(tmp_path, data)
    assert found.predict(data) == pytest.approx(data.y, abs=1e-9)
    agree(found, data)
    (guess,) = Front((law("10.0*cos(theta)**2", data),)).to_pysr_guesses(operators=["*", "cos", "square"])
    assert "0.0174532925199432" in guess


def test_the_estimator_takes_and_gives_the_columns_numbers():
    model = SymbolicRegressor(operators="* cos square", max_evals=1500, random_state=0, engine="embedded")
    model.fit(THETA[:, None], malus().y, X_units=["deg"], y_units="W/m^2", variable_names=["theta"])
    assert model.predict(THETA[:, None]) == pytest.approx(malus().y, abs=1e-9)
    constant = SymbolicRegressor(max_evals=100).fit(
        THETA[:, None], np.full(36, 5.0), X_units=["deg"], y_units="%"
    )
    assert constant.predict(THETA[:2, None]) == pytest.approx([5.0, 5.0])


def test_a_function_of_degrees():
    found = bm.discover(
        lambda theta: 3.0 * np.sin(np.radians(theta)),
        {"theta": (1.0, 170.0, "deg")},
        target_unit="J",
        rows=100,
        evaluations=1000,
        engine="embedded",
    )
    assert str(found.problem.dataset.target.unit) == "J"
    assert found.best.text().replace("3.0*", "3*") == "3*sin(theta)"
    assert [str(c.unit) for c in found.best.constants] == ["J"]
    with pytest.raises(bm.ConfigError, match="target_unit is for a function"):
        bm.discover(malus(), target_unit="J")
    sums = bm.probe(
        lambda a, b: np.sin(np.radians(a) + b),
        {"a": (1.0, 90.0, "deg"), "b": (0.0, 1.5, "rad")},
        engine="embedded",
    )
    assert "sum" in [f.kind for f in sums if f.verdict]


def test_the_loss_floor_and_the_target_loss_are_in_base_scale():
    p = np.linspace(1.0, 60.0, 30)
    data = Dataset.from_arrays({"p": p}, np.round(p**1.5, 1), units={"p": "1", "y": "%"})
    problem = Problem(data)
    assert problem.y == pytest.approx(0.01 * data.y)
    assert problem.measure.half_units == pytest.approx(0.05 * 0.01)  # of a decimal in per cent
