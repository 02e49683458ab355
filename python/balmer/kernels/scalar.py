"""Scalar functions that the compiled loops call and that the standard library lacks or defines otherwise."""

from __future__ import annotations

import math

import numpy as np

from balmer.kernels.elementary import fast_exp, fast_expm1, fast_log, fast_log1p
from balmer.kernels.jit import jit

__all__ = [
    "cube_root",
    "log_1m_exp",
    "log_exp_m1",
    "maximum",
    "minimum",
    "power",
    "power_da",
    "power_db",
]


@jit
def power(a, b):
    """a**b as IEEE and NumPy have it: NaN where a < 0 and b is no whole number."""
    return math.pow(a, b)


@jit
def power_da(a, b):
    """d(a**b)/da."""
    if b == 0.0:
        return 0.0
    return b * math.pow(a, b - 1.0)


@jit
def power_db(a, v):
    """d(a**b)/db, v = a**b; 0 at a = 0, where the limit from above is 0 for every b > 0."""
    if a == 0.0:
        return 0.0
    return v * math.log(a)


@jit
def minimum(a, b):
    """The smaller; NaN if either is."""
    if a != a or b != b:
        return np.nan
    return a if a < b else b


@jit
def maximum(a, b):
    """The larger; NaN if either is."""
    if a != a or b != b:
        return np.nan
    return a if a > b else b


@jit
def cube_root(a):
    """The real cube root, one Newton step after the power so that whole cubes come out whole."""
    if a == 0.0 or not math.isfinite(a):
        return a
    root = math.copysign(math.pow(abs(a), 1.0 / 3.0), a)
    return root - (root * root * root - a) / (3.0 * root * root)


@jit
def log_exp_m1(a):
    """log(exp(a) - 1) for every a > 0 without overflow; NaN for a < 0."""
    return a + fast_log(-fast_expm1(-a))


@jit
def log_1m_exp(a):
    """log(1 - exp(-a)) for a > 0, accurate at both ends (Maechler 2012, 'Accurately computing log(1-exp(-|a|))')."""
    near, far = fast_log(-fast_expm1(-a)), fast_log1p(-fast_exp(-a))
    return near if a < 0.6931471805599453 else far
