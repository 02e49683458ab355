"""Before a search: columns that give the target away, that are constant, and that say they are uncertainties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer import Dataset, Problem, SearchSpace
from balmer.engines.notices import uncertain

RNG = np.random.default_rng(7)
T = np.linspace(1.0, 9.0, 30)
N = 900 * np.exp(-0.3 * T) + RNG.normal(size=30)


def notices(columns, y=N, target="N", sigma=None, **options):
    return Problem(Dataset.from_arrays(columns, y, target=target, sigma=sigma, **options)).notices


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("dN", "N"),
        ("d_N", "N"),
        ("deltaN", "N"),
        ("delta_N", "N"),
        ("ΔN", "N"),
        ("sigma_N", "N"),
        ("sigmaN", "N"),
        ("σ_N", "N"),
        ("e_N", "N"),
        ("err_N", "N"),
        ("N_err", "N"),
        ("Nerr", "N"),
        ("N_unc", "N"),
        ("N_std", "N"),
        ("N_error", "N"),
        ("dt", "t"),
        ("flux_err", ""),
        ("stat", ""),
        ("Syst", ""),
        ("err", ""),
        ("unc", ""),
        ("d", None),
        ("dose", None),
        ("density", None),
        ("delta", None),
        ("distance", None),
        ("dV", None),
        ("sigma", None),
        ("sigma_x", None),
        ("e_kin", None),
        ("error_rate", None),
        ("static", None),
        ("terr", "t"),
        ("N", None),
    ],
)
def test_names_that_say_uncertainty(name, of):
    assert uncertain(name, ["N", "t"]) == of


@given(st.text("abcdXYZ_0", min_size=1, max_size=6), st.sampled_from(["d", "sigma_", "delta_", "e_", "err_"]))
def test_a_name_before_another_columns_says_so_and_alone_does_not(name, word):
    assert uncertain(word + name, [name]) == name
    if not (word + name).startswith(("d", "delta_")):
        assert uncertain(word + name, ["other"]) in (None, "")


def test_an_undeclared_uncertainty_of_the_target_is_told_with_the_option():
    (notice,) = notices({"t": T, "dN": np.sqrt(np.abs(N) + 1)})
    assert "column 'dN' reads like the uncertainty of 'N'" in notice
    assert "--sigma dN" in notice
    assert "--features t" in notice
    assert notices({"t": T}, sigma=np.sqrt(np.abs(N) + 1)) == ()


def test_an_uncertainty_that_cannot_be_declared_is_to_be_left_out():
    (notice,) = notices({"t": T, "dt": 0.1 + 0.01 * RNG.random(30)})
    assert "an uncertainty of 't'" in notice
    assert "--sigma" not in notice
    (notice,) = notices({"t": T, "syst": RNG.random(30)}, sigma=np.ones(30))
    assert "--sigma" not in notice
    assert "leave it out (--features t)" in notice


def test_constant_columns():
    (notice,) = notices({"t": T, "g": np.full(30, 9.81), "n": np.full(30, 2.0)})
    assert "column 'g' is 9.81, 'n' is 2 in every row" in notice
    assert "--features t" in notice
    data = Dataset.from_arrays({"t": T}, N, units={"t": "s", "y": "m"}).with_nature("c h")
    assert Problem(data).notices == ()  # which were asked for


POWERS = [1, 2, -1, 0.5, -2, 1.5, 3]


@given(st.sampled_from(POWERS), st.floats(1e-9, 1e9), st.sampled_from([None, 6, 9]))
def test_a_feature_that_reproduces_the_target_is_told(power, factor, digits):
    y = factor * T**power
    if digits:
        y = np.array([float(f"{v:.{digits - 1}e}") for v in y])
    found = notices({"noise": RNG.random(30), "copy": T}, y)
    assert len(found) == 1
    assert "column 'copy' alone gives 'N' to rounding" in found[0]
    assert "--features noise" in found[0]


def test_what_only_comes_near_is_no_copy():
    assert notices({"t": T, "x": RNG.random(30)}, 3 * T**2 * (1 + 1e-4 * RNG.normal(size=30))) == ()
    assert notices({"t": T, "x": RNG.random(30)}, 3 * T**1.37) == ()
    assert notices({"t": T}, 3 * T**2) == ()  # of one feature that is the law
    (notice,) = notices({"t": 1000 * T}, T, units={"t": "ms", "N": "s"})
    assert "column 't' alone gives 'N' to rounding" in notice
    zeros = np.array([0.0, 1.0, -2.0, 3.0, 0.0])
    (notice,) = notices({"a": zeros, "b": RNG.random(5)}, 2 * zeros)
    assert "N = 2*a" in notice


def test_without_constants_a_unit_that_nobody_has_is_said_at_length():
    data = Dataset.from_arrays({"t": T}, N, target="N", units={"t": "s", "N": "m"})
    assert Problem(data).notice == ""
    assert "no formula can match" in Problem(data, SearchSpace(max_constants=0)).notice
