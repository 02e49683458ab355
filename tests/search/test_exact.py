"""When a fitted number is an exact one: the data prove it, or it stays a number with an error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balmer.search.exact import ODDS, ExactNumber, odds_of, precision_needed, proven, simple_numbers


@pytest.mark.parametrize(
    ("value", "error", "number"),
    [
        (1.4999, 0.0003, 1.5),
        (1.51, 0.02, None),  # too vague: too many simple numbers are that near
        (2.0000001, 1e-7, 2.0),
        (-0.50002, 0.0001, -0.5),
        (6.2834, 0.0004, 2 * math.pi),
        (1.41421, 0.00002, math.sqrt(2)),
        (0.4618, 0.005, None),
        (15.0, 0.4, None),
        (1.5, 0.0, 1.5),
        (1.50001, 0.000001, None),  # ten errors away
        (5.0, 0.13, None),
        (math.nan, 0.1, None),
        (1.0, math.inf, None),
    ],
)
def test_a_number_is_exact_where_the_data_prove_it(value, error, number):
    assert proven(value, error) == number


@given(st.floats(1e-3, 1e3), st.floats(1e-6, 1.0))
def test_what_is_proven_has_the_odds_and_is_near(value, relative):
    number = proven(value, relative * value)
    if number is not None:
        assert odds_of(value, relative * value) >= ODDS
        assert abs(number - value) <= 4.5 * relative * value
    assert proven(-value, relative * value) == (None if number is None else -number)


@pytest.mark.parametrize("relative", [1e-4, 5e-4, 1e-3, 3e-3, 1e-2, 3e-2])
def test_few_numbers_of_a_continuum_become_exact(relative):
    rng = np.random.default_rng(5)
    truth = np.exp(rng.uniform(np.log(0.3), np.log(9.0), 4000))
    fitted = truth * (1 + relative * rng.normal(size=truth.size))
    made = [proven(v, relative * t) is not None for v, t in zip(fitted, truth, strict=True)]
    assert np.mean(made) <= 0.03


def test_simple_numbers_known_to_a_thousandth_are_recognised():
    rng = np.random.default_rng(6)
    numbers = simple_numbers(1)
    assert {0.5, 1.0, 1.5, 2.0, 5.0, 6.0, math.pi, math.pi / 2, 6 * math.pi} <= set(numbers)
    found = [
        np.mean([proven(q * (1 + 1e-3 * z), 1e-3 * q) == q for z in rng.normal(size=400)]) for q in numbers
    ]
    assert np.mean(found) >= 0.95


def test_the_precision_that_is_needed_is_less_for_simpler_numbers():
    one, half, third, none = (precision_needed(v) for v in (1.0, 0.5, 1 / 3, 0.4618734))
    assert min(one, half) > 1e-3 > third > none == 0.0
    assert max(one, half) < 1e-2


def test_an_exact_number_is_written_with_its_estimate():
    assert str(ExactNumber(1.5, 1.49991, 0.00031)) == "3/2 (fitted 1.49991 ± 0.00031)"
    assert str(ExactNumber(2 * math.pi, 6.2834, 0.0004)) == "2*pi (fitted 6.28340 ± 0.00040)"
