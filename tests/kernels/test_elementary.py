"""The elementary functions are right to 2 units of the last place over their whole range, in both widths."""

from __future__ import annotations

import numpy as np
import pytest

from balmer.expressions import OPERATORS, apply, constant, variable
from balmer.kernels import evaluate

# The reference has eleven digits of bits more where there are such numbers; elsewhere there is nothing to test with.
wide = pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 52, reason="no longer floats on this machine")
N = 20_000
SPECIAL = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    3.0,
    -3.0,
    5e-324,
    -5e-324,
    2.3e-308,
    1e308,
]


def arguments(name, size):
    """Arguments over the whole range of a function, many where it is delicate; `size` is log of the largest float."""
    rng = np.random.default_rng(list(name.encode()))
    near = np.concatenate([rng.normal(size=N), rng.uniform(0.4, 2.5, N), 1 + rng.normal(size=N) * 1e-4])
    tiny = np.exp(rng.uniform(-size, 1, N))
    if name in ("exp", "expm1"):
        far = rng.uniform(-size - 40, size + 1, N)
    elif name in ("sin", "cos"):
        quarters = np.arange(-3000, 3000) * np.pi / 2
        far = np.concatenate([rng.uniform(-1.9e4, 1.9e4, N), quarters])
    elif name in ("log", "log1p", "cbrt"):
        far = np.exp(rng.uniform(-size - 30, size, N))
    else:
        far = rng.normal(size=N) * 5
    return np.concatenate([SPECIAL, near, tiny, -tiny, far])


def ulps(found, wanted):
    """Distance in units of the last place of the found type; 0 where both are NaN or overflow alike."""
    with np.errstate(all="ignore"):
        rounded = wanted.astype(found.dtype)
        unit = np.maximum(np.spacing(np.abs(rounded)), np.finfo(found.dtype).smallest_subnormal)
        distance = np.abs(found.astype(np.longdouble) - wanted) / unit
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    return np.where(same & ~np.isfinite(distance), 0.0, np.where(np.isnan(distance), np.inf, distance))


@wide
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "cbrt"])
def test_a_function_is_right_to_two_ulps(name):
    x = arguments(name, 708)
    with np.errstate(all="ignore"):
        wanted = OPERATORS[name].numpy(x.astype(np.longdouble))
    found = evaluate(apply(name, variable(0)), x[None])
    assert ulps(found, wanted).max() <= 2
    zero = (x == 0) & (wanted == 0)
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(wanted[zero]))


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "cbrt"])
def test_a_function_is_right_to_two_ulps_of_float32(name):
    with np.errstate(all="ignore"):
        x = arguments(name, 87).astype(np.float32)
        wanted = OPERATORS[name].numpy(x.astype(float))
    found = evaluate(apply(name, variable(0)), x[None], real=np.float32)
    assert found.dtype == np.float32
    assert ulps(found, wanted).max() <= 2


def powers(size):
    """Bases and exponents whose powers fill the range up to exp(+-size)."""
    rng = np.random.default_rng(2)
    a = np.concatenate([np.exp(rng.uniform(-size, size, N)), rng.uniform(0, 10, N), -rng.uniform(0, 10, N),
                        1 + rng.normal(size=N) * 1e-5])  # fmt: skip
    b = np.concatenate([rng.normal(size=N), rng.normal(size=N) * 5, rng.integers(-20, 20, N),
                        rng.normal(size=N) * 1e6])  # fmt: skip
    return a, b


@wide
def test_a_power_is_right_to_two_ulps():
    a, b = powers(700)
    with np.errstate(all="ignore"):
        wanted = np.power(a.astype(np.longdouble), b.astype(np.longdouble))
    assert ulps(evaluate(apply("pow", variable(0), variable(1)), np.array([a, b])), wanted).max() <= 2


def test_a_power_is_right_to_two_ulps_of_float32():
    a, b = (x.astype(np.float32) for x in powers(85))
    with np.errstate(all="ignore"):
        wanted = np.power(a.astype(float), b.astype(float))
    found = evaluate(apply("pow", variable(0), variable(1)), np.array([a, b]), real=np.float32)
    assert ulps(found, wanted).max() <= 2


@wide
@pytest.mark.parametrize(("real", "size"), [(np.float64, 700), (np.float32, 80)])
@pytest.mark.parametrize("exponent", [0.5, 1 / 3, -1.7, 4.0, -5.0, 31.4, 3e4, 1e-3])
def test_a_power_with_a_number_is_right_to_two_ulps(exponent, real, size):
    rng = np.random.default_rng(3)
    exponent = real(exponent)
    # Bases for which the short logarithm is enough, bases for which it is not, and blocks of rows with both.
    logarithms = np.concatenate([rng.uniform(-16, 16, N), rng.uniform(-size, size, N)]) / abs(exponent)
    a = np.exp(np.clip(logarithms, -size, size)).astype(real)
    if exponent == np.floor(exponent):
        a *= rng.choice([-1, 1], 2 * N).astype(real)
    for bases in (a, rng.permutation(a)):
        with np.errstate(all="ignore"):
            wanted = np.power(bases.astype(np.longdouble), np.longdouble(exponent))
        found = evaluate(apply("pow", variable(0), constant(float(exponent))), bases[None], real=real)
        assert ulps(found, wanted).max() <= 2


@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_powers_of_and_to_special_values_are_those_of_ieee(real):
    with np.errstate(over="ignore"):
        values = np.array([*SPECIAL, 2.0**53, 2.0**24 + 2, -1.5, 1 / 3], real)
    a, b = (grid.ravel() for grid in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        wanted = np.power(a, b)
    found = evaluate(apply("pow", variable(0), variable(1)), np.array([a, b]), real=real)
    np.testing.assert_array_max_ulp(found[np.isfinite(wanted)], wanted[np.isfinite(wanted)], 1, dtype=real)
    np.testing.assert_array_equal(found[~np.isfinite(wanted)], wanted[~np.isfinite(wanted)])
    whole = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(found[whole]), np.signbit(wanted[whole]))


@pytest.mark.parametrize("exponent", [*SPECIAL, -2.0, 1 / 3, 2.5])
def test_a_number_as_exponent_changes_nothing(exponent):
    x = np.array([*SPECIAL, 7.3, -7.3, 1e-200, 1e200])
    with np.errstate(all="ignore"):
        wanted = np.power(x, np.full_like(x, exponent))  # NumPy takes the root for a scalar 1/2
    found = evaluate(apply("pow", variable(0), constant(exponent)), x[None])
    np.testing.assert_array_max_ulp(found[np.isfinite(wanted)], wanted[np.isfinite(wanted)], 1)
    np.testing.assert_array_equal(found[~np.isfinite(wanted)], wanted[~np.isfinite(wanted)])
