"""Digits are read from numbers that were rounded, and from no others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from balmer.data import Digits, digits_of, rounding

Floats = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)
rows = st.integers(12, 300)
decades = st.floats(-12, 12)


def drawn(seed: int, n: int, centre: float, spread: float) -> Floats:
    """Uniform in the logarithm over decades about 10^centre, of either sign."""
    rng = np.random.default_rng(seed)
    return 10 ** rng.uniform(centre - spread / 2, centre + spread / 2, n) * rng.choice([-1, 1], n)


def significant(values: Floats, digits: int) -> Floats:
    return np.array([float(f"{v:.{digits - 1}e}") for v in values.tolist()])


@given(seeds, rows, decades, st.floats(0.1, 8))
def test_all_digits_of_float64_are_no_rounding(seed: int, n: int, centre: float, spread: float) -> None:
    assert not rounding(drawn(seed, n, centre, spread)).any()


@given(seeds, rows, decades, st.floats(0.5, 8))
def test_float32_is_told_and_bounds_what_was_lost(seed: int, n: int, centre: float, spread: float) -> None:
    values = drawn(seed, n, centre, spread)
    stored = values.astype(np.float32).astype(float)
    if np.all(stored == np.round(stored)):
        return
    half = rounding(stored)
    assert digits_of(stored) == Digits("float32", 24)
    assert np.all(np.abs(values - stored) <= half)
    assert np.all((half <= 2.0**-24 * np.abs(stored)) & (half >= 2.0**-25 * np.abs(stored)))


@given(seeds, st.integers(200, 400), decades, st.floats(2.5, 8), st.integers(5, 12))
def test_significant_digits_are_told(seed: int, n: int, centre: float, spread: float, digits: int) -> None:
    values = drawn(seed, n, centre, spread)
    written = significant(values, digits)
    assert digits_of(written) == Digits("significant", digits)
    half = rounding(written)
    assert np.all(np.abs(values - written) <= half * (1 + 1e-9))
    size = np.abs(written)
    assert np.all(
        (half <= 0.5 * 10.0 ** (1 - digits) * size * (1 + 1e-9)) & (half > 0.04 * 10.0 ** (1 - digits) * size)
    )


@given(seeds, st.integers(200, 400), st.floats(0, 3), st.floats(1, 3), st.integers(4, 9))
def test_decimals_are_told(seed: int, n: int, centre: float, spread: float, decimals: int) -> None:
    values = drawn(seed, n, centre, spread)
    written = np.round(values, decimals)
    assert digits_of(written) == Digits("decimals", decimals)
    assert np.all(rounding(written) == 0.5 * 10.0**-decimals)


@given(seeds, st.integers(200, 400), st.floats(0, 2), st.integers(3, 5))
def test_decimals_that_went_through_float32_are_told(seed: int, n: int, centre: float, decimals: int) -> None:
    values = np.abs(drawn(seed, n, centre - 0.5, 1))
    stored = np.round(values, decimals).astype(np.float32).astype(float)
    if 10**decimals * np.ptp(values) < 3000 or decimals + np.log10(values.max()) > 6:
        return
    assert rounding(stored) == pytest.approx(0.5 * 10.0**-decimals)


@given(seeds, rows, st.integers(2, 12))
def test_whole_numbers_are_exact(seed: int, n: int, largest: int) -> None:
    values = np.random.default_rng(seed).integers(-(10**largest), 10**largest, n).astype(float)
    assert not rounding(values).any()
    single = values.astype(np.float32).astype(float)
    assert largest > 7 or not rounding(single).any()


@given(st.integers(1, 2000), st.sampled_from([2.0, 4.0, 5.0, 8.0, 1024.0]), st.integers(-500, 500))
def test_even_steps_are_exact(n: int, denominator: float, first: int) -> None:
    """Halves, quarters, fifths: what a scale is divided into; and their squares."""
    values = np.arange(first, first + n) / denominator
    assert not rounding(values).any()
    assert not rounding(values**2).any() or denominator == 5.0


@pytest.mark.parametrize(
    "values",
    [
        [0.5, 1.0, 1.5],
        [1.2, 3.4, 5.6, 7.1, 9.3, 2.7],
        [0.387, 0.723, 1.0, 1.524, 5.203, 9.537],  # a few planets
        [299792458.0] * 50,
        np.arange(100) / 10,
        [],
        [0.0] * 20,
    ],
)
def test_few_or_few_kinds_of_numbers_say_nothing(values: list[float]) -> None:
    assert not rounding(values).any()


def test_one_number_with_more_digits_takes_the_claim_away() -> None:
    values = np.round(drawn(1, 3000, 1, 2), 5)
    assert rounding(values).all()
    for place in (0, 1234, 2999):
        other = values.copy()
        other[place] += 1e-9
        assert not rounding(other).any()


def test_what_is_nothing_has_no_relative_error() -> None:
    values = np.append(drawn(2, 100, 0, 6).astype(np.float32).astype(float), 0.0)
    assert rounding(values)[-1] < 1e-40
