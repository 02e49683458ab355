"""The functions of `elementary.py` and `scalar.py` for float32, to 2 ulp of float32, with shorter polynomials.

Every number in here is a float32, as one float64 among them would widen the whole loop.
"""

from __future__ import annotations

import numpy as np

from balmer.kernels.bits import bits, exact_fma, fma, number, whole
from balmer.kernels.jit import inline_jit

__all__ = [
    "TRIG_RANGE",
    "cube_root",
    "fast_cos",
    "fast_exp",
    "fast_expm1",
    "fast_log",
    "fast_log1p",
    "fast_pow",
    "fast_sin",
    "fast_tanh",
    "log_1m_exp",
    "log_exp_m1",
    "log_parts",
    "maximum",
    "minimum",
    "near_log_parts",
    "near_power",
    "near_power_range",
    "power_da",
    "power_db",
    "power_db_of_log",
    "power_of_parts",
]

_F, _U = np.float32, np.uint32
TRIG_RANGE = _F(2e4)

_ROUND = _F(12582912.0)  # 1.5 * 2**23
_SIGN, _1, _23, _31 = _U(1 << 31), _U(1), _U(23), _U(31)
_LOG2_E = _F(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = _F(0.693359375), _F(-2.12194440e-4)
_OFFSET = _U(0x4B400000 - 512)
_LEAST_MANTISSA, _UP, _MANTISSA = _U(0x3F3504F3), _U(0x3F800000 - 0x3F3504F3), _U(0x007FFFFF)
_EXPONENT_ROUND, _UNBIAS = _U(0x4B400000), _F(12582912.0 + 127.0)
_UNBIAS_TINY, _TINY, _LIFT = _F(12582912.0 + 127.0 + 24.0), _F(1.1754944e-38), _F(16777216.0)
_0, _HALF, _ONE, _TWO, _THIRD = _F(0.0), _F(0.5), _F(1.0), _F(2.0), _F(1.0 / 3.0)
_INF, _NAN, _LN_2, _20 = _F(np.inf), _F(np.nan), _F(0.6931471805599453), _F(20.0)
_EXP_LOW, _EXP_HIGH, _EXPM1_LOW = _F(-104.0), _F(89.0), _F(-20.0)
_E = tuple(_F(c) for c in (0.5000000095286826, 0.1666651884220125, 0.04166620555395722, 0.008368889191515981,
                           0.0013950504774096427))  # fmt: skip
_L = tuple(_F(c) for c in (0.33333312604886634, -0.2500000958911048, 0.20002118586263068, -0.1666799604701765,
                           0.1421955401725052, -0.1240558983863777, 0.11888153171824041, -0.11675631588125611,
                           0.06746625544215296))  # fmt: skip
_S = tuple(_F(c) for c in (-0.1666666716337204, 0.008333352017240359, -0.00019843406299297492, 2.764705966397678e-06,
                           -2.5902430296305132e-08))  # fmt: skip
_PI = tuple(_F(c) for c in (3.140625, 0.0009675025939941406, 1.5099067240953445e-07, 5.126688303189038e-12))
_Q = tuple(_F(c) for c in (0.40000152269853384, 0.2854712365291658, 0.23418825078768707))
_TWO_THIRDS, _TWO_THIRDS_LOW, _EXP_HUGE = _F(2.0 / 3.0), _F(-1.9868215e-08), _F(110.0)
_1_PI = _F(0.3183098861837907)
_NEAR_POWER, _LARGEST = _F(16.0), _F(3.4028235e38)


@inline_jit
def _number(x):
    """The float32 that has the lower 32 of these bits, as numba computes with 64."""
    return number(_U(x))


@inline_jit
def _exp_reduce(x):
    """(r, k + 512) with exp(x) = exp(r) 2^k and |r| <= ln(2)/2."""
    shifted = fma(x, _LOG2_E, _ROUND)
    k = shifted - _ROUND
    return fma(-k, _LN2_LOW, fma(-k, _LN2_HIGH, x)), _U(bits(shifted) - _OFFSET)


@inline_jit
def _expm1(r):
    z = r * r
    q = fma(fma(_E[4], z, fma(_E[3], r, _E[2])), z, fma(_E[1], r, _E[0]))
    return fma(q, z, r)


@inline_jit
def fast_exp(x):
    """exp(x)."""
    clipped = _EXP_LOW if x < _EXP_LOW else x
    r, k = _exp_reduce(_EXP_HIGH if clipped > _EXP_HIGH else clipped)
    half = _U(k >> _1)
    factor = _number((half - _U(129)) << _23)
    return fma(_expm1(r), factor, factor) * _number((k - half - _U(129)) << _23)


@inline_jit
def _exp_minus_1(x):
    r, k = _exp_reduce(x)
    half = _number((k - _U(512 - 126)) << _23)
    y = fma(_expm1(r), half, half - _HALF)
    return y + y


@inline_jit
def fast_expm1(x):
    """exp(x) - 1 without cancellation."""
    clipped = _EXPM1_LOW if x < _EXPM1_LOW else x
    y = _exp_minus_1(_EXP_HIGH if clipped > _EXP_HIGH else clipped)
    return _number(bits(y) | (bits(x) & _SIGN))


@inline_jit
def fast_log(x):
    """log(x); NaN for x < 0."""
    tiny = x < _TINY
    raised = _U(bits(x * _LIFT if tiny else x) + _UP)
    k = _number(_U(raised >> _23) + _EXPONENT_ROUND) - (_UNBIAS_TINY if tiny else _UNBIAS)
    f = _number((raised & _MANTISSA) + _LEAST_MANTISSA) - _ONE
    z = f * f
    w = z * z
    first = fma(fma(_L[3], f, _L[2]), z, fma(_L[1], f, _L[0]))
    second = fma(fma(_L[7], f, _L[6]), z, fma(_L[5], f, _L[4]))
    p = fma(fma(_L[8], w, second), w, first)
    result = fma(k, _LN2_HIGH, f - fma(_HALF, z, -fma(f * z, p, k * _LN2_LOW)))
    result = result if x < _INF else x
    return result if x > _0 else (-_INF if x == _0 else _NAN)


@inline_jit
def fast_log1p(x):
    """log(1 + x) without cancellation; NaN for x < -1."""
    u = _ONE + x
    rest = (x - (u - _ONE)) / u
    y = fast_log(u)
    y = y + rest if abs(y) < _INF else y
    return _number(bits(y) | (bits(x) & _SIGN))


@inline_jit
def _sine(x, k):
    """sin(x - k pi): pi in four parts, of which products with the first three are exact."""
    first = fma(-k, _PI[1], fma(-k, _PI[0], x))
    r = fma(-k, _PI[2], first)
    r = r + fma(-k, _PI[3], fma(-k, _PI[2], first - r))
    z = r * r
    return fma(r * z, fma(fma(fma(fma(_S[4], z, _S[3]), z, _S[2]), z, _S[1]), z, _S[0]), r)


@inline_jit
def fast_sin(x):
    """sin(x) for |x| <= TRIG_RANGE."""
    shifted = fma(abs(x), _1_PI, _ROUND)
    y = _sine(abs(x), shifted - _ROUND)
    return _number(bits(y) ^ (bits(shifted) << _31) ^ (bits(x) & _SIGN))


@inline_jit
def fast_cos(x):
    """cos(x) for |x| <= TRIG_RANGE."""
    shifted = fma(abs(x), _1_PI, -_HALF) + _ROUND
    y = _sine(abs(x), (shifted - _ROUND) + _HALF)
    return _number(bits(y) ^ ((bits(shifted) + _1) << _31))


@inline_jit
def fast_tanh(x):
    """tanh(x)."""
    size = abs(x)
    t = _exp_minus_1(_TWO * (_20 if size > _20 else size))
    d = t + _TWO
    inverse = _ONE / d
    y = t * inverse
    y = fma(fma(-y, d, t) - y * (t - (d - _TWO)), inverse, y)
    return _number(bits(y) | (bits(x) & _SIGN))


@inline_jit
def log_parts(x):
    """(high, low), which sum up to log(x) with 33 correct bits, for 0 < x < inf; see `elementary.log_parts`."""
    tiny = x < _TINY
    raised = _U(bits(x * _LIFT if tiny else x) + _UP)
    k = _number(_U(raised >> _23) + _EXPONENT_ROUND) - (_UNBIAS_TINY if tiny else _UNBIAS)
    f = _number((raised & _MANTISSA) + _LEAST_MANTISSA) - _ONE
    d = _TWO + f
    d_low = f - (d - _TWO)
    inverse = _ONE / d
    s = f * inverse
    s_low = (exact_fma(-s, d, f) - s * d_low) * inverse
    z = s * s
    z_low = fma(_TWO * s, s_low, exact_fma(s, s, -z))
    q = z * fma(fma(_Q[2], z, _Q[1]), z, _Q[0])
    c = _TWO_THIRDS + q
    c_low = (_TWO_THIRDS - c) + q + _TWO_THIRDS_LOW
    v = z * c
    v_low = exact_fma(z, c, -v) + fma(z, c_low, z_low * c)
    t = s * v
    t_low = exact_fma(s, v, -t) + fma(s, v_low, s_low * v)
    high = _TWO * s + t
    low = ((_TWO * s - high) + t) + fma(_TWO, s_low, t_low)
    big = k * _LN2_HIGH
    total = big + high
    return total, ((big - total) + high) + fma(k, _LN2_LOW, low)


@inline_jit
def fast_pow(a, b):
    """a**b as IEEE and NumPy have it: NaN where a < 0 and b is no whole number."""
    return power_of_parts(a, b, *log_parts(abs(a)))


@inline_jit
def power_of_parts(a, b, high, low):
    """a**b, given `log_parts` of |a|: two short loops over rows are faster than one long."""
    size = abs(a)
    high = high if size < _INF else size
    high = high if size > _0 else (-_INF if size == _0 else size)
    x = b * high
    rest = fma(b, low, exact_fma(b, high, -x))
    rest = rest if abs(x) < _EXP_HUGE else _0
    x = _EXP_LOW if x < _EXP_LOW else x
    r, k = _exp_reduce(_EXP_HIGH if x > _EXP_HIGH else x)
    half = _U(k >> _1)
    factor = _number((half - _U(129)) << _23)
    y = fma(_expm1(r + rest), factor, factor) * _number((k - half - _U(129)) << _23)
    y = _ONE if (size == _ONE) & (b == b) else y
    floor = whole(b)
    odd = (floor == b) & (whole(_HALF * b) != _HALF * b)
    y = _number(bits(y) | (bits(a) & (_SIGN if odd else _U(0))))
    y = _NAN if (a < _0) & (a > -_INF) & (floor != b) else y
    return _ONE if (b == _0) | (a == _ONE) else y


@inline_jit
def near_power_range(b):
    """(least, most): for least < |a| < most, a**b is `near_power`; none for an exponent that is no number."""
    most = fast_exp(_NEAR_POWER / abs(b))
    least = _ONE / most
    return _TINY if least < _TINY else least, _LARGEST if most > _LARGEST else most


@inline_jit
def near_log_parts(x):
    """(high, low), which sum up to log(x) with 28 correct bits, for x that is not subnormal."""
    raised = _U(bits(x) + _UP)
    k = _number(_U(raised >> _23) + _EXPONENT_ROUND) - _UNBIAS
    f = _number((raised & _MANTISSA) + _LEAST_MANTISSA) - _ONE
    d = _TWO + f
    inverse = _ONE / d
    s = f * inverse
    s_low = fma(-s, f - (d - _TWO), exact_fma(-s, d, f)) * inverse
    z = s * s
    v = z * fma(z, fma(fma(_Q[2], z, _Q[1]), z, _Q[0]), _TWO_THIRDS)
    t = fma(s, v, _TWO * s_low)
    high = _TWO * s + t
    low = (_TWO * s - high) + t
    big = k * _LN2_HIGH
    total = big + high
    return total, ((big - total) + high) + fma(k, _LN2_LOW, low)


@inline_jit
def near_power(a, b, high, low):
    """a**b, given `near_log_parts` of |a|, in the range that `near_power_range` gives."""
    x = b * high
    rest = fma(b, low, exact_fma(b, high, -x))
    r, k = _exp_reduce(x)
    factor = _number((k - _U(512 - 127)) << _23)
    y = fma(_expm1(r + rest), factor, factor)
    floor = whole(b)
    odd = (floor == b) & (whole(_HALF * b) != _HALF * b)
    y = _number(bits(y) | (bits(a) & (_SIGN if odd else _U(0))))
    return y if (a > _0) | (floor == b) else _NAN


@inline_jit
def power_da(a, b, v):
    """d(a**b)/da, v = a**b."""
    at_zero = _0 if (b > _ONE) | (b == _0) else (_ONE if b == _ONE else _INF)
    return at_zero if a == _0 else b * (v / a)


@inline_jit
def power_db(a, v):
    """d(a**b)/db, v = a**b; 0 at a = 0, where the limit from above is 0 for every b > 0."""
    return _0 if a == _0 else v * fast_log(a)


@inline_jit
def power_db_of_log(a, v, log):
    """The same, given log(|a|)."""
    return _0 if a == _0 else (v * log if a > _0 else _NAN)


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
    root = fast_exp(fast_log(size) * _THIRD)
    root = root - (root - size / (root * root)) * _THIRD
    root = root if (size > _0) & (size < _INF) else size
    return _number(bits(root) | (bits(a) & _SIGN))


@inline_jit
def log_exp_m1(a):
    """log(exp(a) - 1) for every a > 0 without overflow; NaN for a < 0."""
    return a + fast_log(-fast_expm1(-a))


@inline_jit
def log_1m_exp(a):
    """log(1 - exp(-a)) for a > 0, accurate at both ends (Maechler 2012, 'Accurately computing log(1-exp(-|a|))')."""
    near, far = fast_log(-fast_expm1(-a)), fast_log1p(-fast_exp(-a))
    return near if a < _LN_2 else far
