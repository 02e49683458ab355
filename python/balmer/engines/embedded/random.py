"""Each island's own random stream: xoshiro256++ (Blackman and Vigna 2019, https://prng.di.unimi.it), compiled.

numba's own generator belongs to a thread, so a front would depend on which thread ran which island.
"""

from __future__ import annotations

import math

import numpy as np

from balmer.kernels.jit import bare_jit

__all__ = ["below", "chance", "normal", "uniform"]

_U11, _U17, _U23, _U41, _U45, _U19 = (np.uint64(k) for k in (11, 17, 23, 41, 45, 19))


@bare_jit
def _next(s):
    total = s[0] + s[3]
    result = ((total << _U23) | (total >> _U41)) + s[0]
    t = s[1] << _U17
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = (s[3] << _U45) | (s[3] >> _U19)
    return result


@bare_jit
def uniform(s):
    """A number in [0, 1)."""
    return np.float64(_next(s) >> _U11) * (1.0 / 9007199254740992.0)


@bare_jit
def chance(s, p):
    """True with probability p."""
    return uniform(s) < p


@bare_jit
def below(s, n):
    """A whole number in 0 ... n-1."""
    return min(np.int64(uniform(s) * n), n - 1)


@bare_jit
def normal(s):
    """A standard normal number (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(s)))
    return radius * math.cos(2.0 * math.pi * uniform(s))
