"""Scalar functions that the compiled loops call and that the standard library lacks or defines otherwise."""

from __future__ import annotations

import numpy as np

from balmer.kernels.bits import bits, number
from balmer.kernels.elementary import fast_exp, fast_expm1, fast_log, fast_log1p
from balmer.kernels.jit import inline_jit

__all__ = [
    "cube_root",
    "log_1m_exp",
    "log_exp_m1",
    "maximum",
    "minimum",
    "power_da",
    "power_db",
    "power_db_of_log",
]

_SIGN = np.uint64(1 << 63)


@inline_jit
def power_da(a, b, v):
    """d(a**b)/da, v = a**b."""
    at_zero = 0.0 if (b > 1.0) | (b == 0.0) else (1.0 if b == 1.0 else np.inf)
    return at_zero if a == 0.0 else b * (v / a)


@inline_jit
def power_db(a, v):
    """d(a**b)/db, v = a**b; 0 at a = 0, where the limit from above is 0 for every b > 0."""
    return 0.0 if a == 0.0 else v * fast_log(a)


@inline_jit
def power_db_of_log(a, v, log):
    """The same, given log(|a|)."""
    return 0.0 if a == 0.0 else (v * log if a > 0.0 else np.nan)


@inline_jit
def minimum(a, b):
    """The smaller; NaN if either is."""
    least = a if a < b else b
    return least if a == a else a


@inline_jit
def maximum(a, b):
    """The larger; NaN if either is."""
    most = a if a > b else b
    return most if a == a else a


@inline_jit
def cube_root(a):
    """The real cube root, one Newton step after the exponential."""
    size = abs(a)
    root = fast_exp(fast_log(size) * (1.0 / 3.0))
    root = root - (root - size / (root * root)) * (1.0 / 3.0)
    root = root if (size > 0.0) & (size < np.inf) else size
    return number(bits(root) | (bits(a) & _SIGN))


@inline_jit
def log_exp_m1(a):
    """log(exp(a) - 1) for every a > 0 without overflow; NaN for a < 0."""
    return a + fast_log(-fast_expm1(-a))


@inline_jit
def log_1m_exp(a):
    """log(1 - exp(-a)) for a > 0, accurate at both ends (Maechler 2012, 'Accurately computing log(1-exp(-|a|))')."""
    near, far = fast_log(-fast_expm1(-a)), fast_log1p(-fast_exp(-a))
    return near if a < 0.6931471805599453 else far
