"""The laws of history are judged by their form; laws in tables of few digits by what they can do without."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from balmer.expressions import parse

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def modules() -> Iterator[Any]:
    sys.path.insert(0, str(FOLDER))
    try:
        names = ("empirical", "history", "judge", "parts", "realistic")
        yield SimpleNamespace(**{name: import_module(name) for name in names})
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def laws(modules: Any) -> dict[str, Any]:
    return {law.name: law for law in modules.history.HISTORY}


def is_law(modules: Any, law: Any, text: str) -> bool:
    with modules.judge.Judge(0) as judge:
        return bool(modules.empirical.is_law(judge, parse(text, tuple(law.ranges)), law))


def test_there_are_nine_laws_and_each_is_itself(modules: Any, laws: dict[str, Any]) -> None:
    assert len(laws) == 9
    with modules.judge.Judge(0) as judge:
        for law in laws.values():
            assert modules.empirical.is_law(judge, law.truth.expression, law), law.name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Hubble", "71.5*D"),
        ("Kepler", "365.2*a**1.5003"),
        ("Kepler", "366.651*a*sqrt(a)"),
        ("Newton", "log(6.6e-11*m1*m2/r**2)"),
        ("Newton", "log(m1) + log(m2) - 2.004*log(r) - 23.4"),
        ("Leavitt", "15.7 - 0.93*log(P)"),
        ("Leavitt", "15.7 - exact(0.9)*log(P)"),  # an exact number within the error is a number of the law
        ("Leavitt", "log(6.3e6/P**0.9)"),
        ("Schechter", "-1.19*(3.4e-9*L + log(9*L))"),
        ("Bode", "log(2**n + 4/3) - 1.21919"),
        ("Bode", "log(0.41 + 0.29*exp(0.697*n))"),
        ("ideal-gas", "log(8*n*T/V)"),
        ("Planck", "log(1.45e-50*nu**3/(exp(4.8e-11*nu/T) - 1))"),
        ("Rydberg", "log(9.1e-8*n1**2/(1 - n1**2/n2**2))"),
        ("Rydberg", "-16.2122 - log((-1 + (n2/n1)**2)/n2**2)"),
    ],
)
def test_the_law_with_numbers_within_their_errors(
    modules: Any, laws: dict[str, Any], name: str, text: str
) -> None:
    assert is_law(modules, laws[name], text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Hubble", "71.5*D + 20"),
        ("Hubble", "90*D"),
        ("Kepler", "(365.865 - cos(a))*a**(3/2)"),
        ("Kepler", "365.2*a**2"),
        ("Newton", "log(6.6e-11*m1*m2/r**2 + 1e15)"),
        ("Leavitt", "16 - log(P)"),  # without a number for the slope
        ("Leavitt", "15.7 - 0.9*log(P) + 0.01*P"),
        ("Schechter", "-4.4e-9*L - log(L) - 17/3"),
        ("Schechter", "-4.1e-9*L - 1.13*log(L*(21 + sin(7.5*L)))"),
        ("Bode", "0.6*n - 0.3 + 0.001*exp(n)"),
        ("ideal-gas", "log(2900*n/V)"),
        ("Planck", "3*log(nu) - 4.8e-11*nu/T - 115"),
        ("Rydberg", "log(9.1e-8*n1**2.1/(1 - n1**2/n2**2))"),
    ],
)
def test_what_is_not_the_law(modules: Any, laws: dict[str, Any], name: str, text: str) -> None:
    assert not is_law(modules, laws[name], text)


def test_each_seed_draws_its_own_data(laws: dict[str, Any]) -> None:
    rows = {"Hubble": 30, "Kepler": 6, "Newton": 30, "Leavitt": 26, "Schechter": 27, "Bode": 8,
            "ideal-gas": 30, "Planck": 100, "Rydberg": 50}  # fmt: skip
    for name, law in laws.items():
        first, again, other = (law.data(seed) for seed in (1, 1, 2))
        assert first.n_rows == rows[name]
        assert np.isfinite(first.y).all()
        assert first.fingerprint == again.fingerprint
        assert (first.fingerprint == other.fingerprint) == (name in ("Kepler", "Bode"))
        assert law.data(1, with_units=True).has_all_units


def test_noise_is_that_of_the_recipe(laws: dict[str, Any]) -> None:
    for name, law in laws.items():
        if law.numbers is None:
            data = [law.data(seed) for seed in range(1, 40)]
            off = np.concatenate([d.y - law.truth.expression.evaluate(d.X) for d in data])
            assert off.std() == pytest.approx(law.noise, rel=0.1), name
    n1, n2 = np.hstack([laws["Rydberg"].data(seed).X for seed in range(1, 40)])
    assert set(n1) == {1, 2, 3, 4, 5, 6}
    assert np.all(n2 > n1)
    assert n2.max() == 7
    assert laws["Kepler"].sigma < 30 < laws["Hubble"].sigma


def test_empirical_runs(modules: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.csv"
    arguments = ["--only", "Hubble", "--seeds", "2", "--evaluations", "3000", "--threads", "1"]
    modules.empirical.main([*arguments, "--out", str(out)])
    shown = capsys.readouterr().out
    assert "Of 2 searches 2 choose the law, 2 have it on the front" in shown
    assert "| Hubble | 2/2 | 2/2 | `" in shown
    assert pd.read_csv(out)["best"].tolist() == [True, True]
    with pytest.raises(SystemExit, match="there is no law Ohm"):
        modules.empirical.main(["--only", "Ohm"])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A product over decades."""
    (tmp_path / "realistic_equations.csv").write_text("equation,level,formula\nfield,easy,2.0e-7*x0/x1\n")
    head = "equation,variable,symbol,sampler,low,high,positive,negative,m,s,kg,T,V\n"
    lines = "field,x0,I,default,0.001,0.1,1,1,0,0,0,0,0\nfield,x1,r,default,0.001,0.1,1,0,0,0,0,0,0\n"
    (tmp_path / "realistic_variables.csv").write_text(head + lines)
    return tmp_path


def test_parts_that_fit_the_rounding_are_told(modules: Any, table: Path) -> None:
    (law,) = modules.realistic.realistic(table)
    verdicts = {
        "2e-7*x0/x1": "clean",
        "x0/(5e6*x1)": "clean",
        "x0*tanh(2e-7/x1)": "dressed",
        "2e-7*x0/(x1 + 1e-12)": "dressed",
        "2e-7*x0/x1 + 1e-14": "dressed",
        "2e-7*x0/x1*(1 + 1e-8*sin(x1))": "dressed",
        "3e-7*x0/x1": "wrong",
    }
    for text, kind in verdicts.items():
        assert modules.realistic.verdict(parse(text, ("x0", "x1")), law.truth) == kind, text


def test_realistic_runs(modules: Any, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    modules.realistic.main([str(table), "--evaluations", "3000", "--rows", "200", "--threads", "1"])
    assert "Of 1 laws: 1 clean, 0 dressed, 0 wrong" in capsys.readouterr().out
    rng = np.random.default_rng(0)
    (law,) = modules.realistic.realistic(table)
    wider = law.with_chance(rng)
    assert 3 <= len(wider.ranges) <= 5
    X, _ = wider.truth.sample(500, rng)
    place = list(wider.ranges).index("x0")
    assert set(np.sign(X[place])) == {-1, 1}
    assert np.abs(X[place]).min() >= 0.001
    for name, x in zip(wider.ranges, X, strict=True):
        if name.startswith("chance"):
            assert math.log10(x.max() / x.min()) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(("digits", "error"), [("float32", 6e-8), ("significant", 5e-7), ("float64", 0)])
def test_columns_are_rounded(modules: Any, digits: str, error: float) -> None:
    x = np.exp(np.random.default_rng(1).uniform(-9, 9, 500))
    off = np.abs(modules.realistic.as_written(x, digits) / x - 1).max()
    assert error / 3 <= off <= error
