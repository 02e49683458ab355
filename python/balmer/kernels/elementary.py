"""exp, log, sin, cos and their kin, written without branches so that LLVM turns loops over them into vector code.

Range reduction and polynomials in the manner of W. J. Cody and W. Waite, "Software Manual for the Elementary
Functions" (1980); the coefficients of log, sin and cos are those of fdlibm (Sun Microsystems 1993). Rounding to a
whole number adds and subtracts 1.5 * 2^52, which works in vector registers of every processor, and the order of
operations matters: these functions are compiled without leave to reorder.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from balmer.kernels.jit import jit

__all__ = [
    "TRIG_RANGE",
    "fast_cos",
    "fast_exp",
    "fast_expm1",
    "fast_log",
    "fast_log1p",
    "fast_sin",
    "fast_tanh",
]

TRIG_RANGE = (
    1e5  # beyond this angle (rad) the reduction loses digits, and the caller takes the library's functions
)

_ROUND = 6755399441055744.0  # 1.5 * 2**52
_ROUND_BITS = np.int64(0x4338000000000000)
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_BIAS = np.int64(1023)
_52 = np.int64(52)
_1 = np.int64(1)


@intrinsic
def _bits(typingctx, x):
    """The 64 bits of a float64 as a whole number."""
    return types.int64(types.float64), lambda c, b, s, a: b.bitcast(a[0], ir.IntType(64))


@intrinsic
def _number(typingctx, x):
    """The float64 that has these 64 bits."""
    return types.float64(types.int64), lambda c, b, s, a: b.bitcast(a[0], ir.DoubleType())


@jit
def _exp_parts(x):
    """(p, k) with exp(x) = (1 + p) 2^k and |p| small, for -746 <= x <= 710."""
    shifted = x * _LOG2_E + _ROUND
    k = _bits(shifted) - _ROUND_BITS
    whole = shifted - _ROUND
    r = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    # The Taylor series of exp(r) - 1 for |r| <= ln(2)/2, cut where the rest is below 2^-57.
    q = 1.6059043836821613e-10
    q = q * r + 2.08767569878681e-09
    q = q * r + 2.505210838544172e-08
    q = q * r + 2.755731922398589e-07
    q = q * r + 2.7557319223985893e-06
    q = q * r + 2.48015873015873e-05
    q = q * r + 0.0001984126984126984
    q = q * r + 0.001388888888888889
    q = q * r + 0.008333333333333333
    q = q * r + 0.041666666666666664
    q = q * r + 0.16666666666666666
    q = q * r + 0.5
    return r + r * r * q, k


@jit
def _scale(y, k):
    """y 2^k in two steps, so that results near the ends of the range come out rightly."""
    half = k >> _1
    return y * _number((half + _BIAS) << _52) * _number((k - half + _BIAS) << _52)


@jit
def fast_exp(x):
    """exp(x)."""
    clipped = min(max(x, -746.0), 710.0)
    p, k = _exp_parts(clipped)
    y = _scale(1.0 + p, k)
    return y if x == x else x


@jit
def fast_expm1(x):
    """exp(x) - 1 without cancellation."""
    clipped = min(max(x, -40.0), 710.0)
    p, k = _exp_parts(clipped)
    y = _scale(p + (1.0 - _number((_BIAS - min(k, np.int64(1022))) << _52)), k)
    return y if x == x else x


@jit
def fast_log(x):
    """log(x); NaN for x < 0."""
    tiny = x < 2.2250738585072014e-308
    y = x * 18014398509481984.0 if tiny else x  # 2^54
    bits = _bits(y)
    # Shift the mantissa to [sqrt(1/2), sqrt(2)): 0x3FE6A09E667F3BCD is sqrt(1/2).
    raised = bits - np.int64(0x3FE6A09E667F3BCD)
    exponent = raised >> _52
    m = _number(bits - (exponent << _52))
    k = _number(exponent + _ROUND_BITS) - _ROUND
    k = k - 54.0 if tiny else k
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    r = z * (
        0.6666666666666735130
        + w * (0.2857142874366239149 + w * (0.1818357216161805012 + w * 0.1479819860511658591))
    ) + w * (0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332))
    half_square = 0.5 * f * f
    result = k * _LN2_HIGH - ((half_square - (s * (half_square + r) + k * _LN2_LOW)) - f)
    result = result if x < np.inf else x
    result = result if x > 0.0 else np.nan
    return -np.inf if x == 0.0 else result


@jit
def fast_log1p(x):
    """log(1 + x) without cancellation; NaN for x < -1."""
    u = 1.0 + x
    rest = (x - (u - 1.0)) / u
    y = fast_log(u)
    return y + rest if abs(y) < np.inf else y


@jit
def _reduce(x):
    """(quadrant, high, low): x = quadrant * pi/2 + high + low, |high| <= pi/4."""
    shifted = x * 0.6366197723675814 + _ROUND
    quadrant = _bits(shifted)
    k = shifted - _ROUND
    r = x - k * 1.57079632673412561417e00
    w = k * 6.07710050630396597660e-11
    high = r - w
    low = (r - high) - w
    w = k * 2.02226624879595063154e-21
    r = high - w
    low += (high - r) - w
    return quadrant, r, low


@jit
def _sine(high, low):
    z = high * high
    v = z * high
    r = 8.33333333332248946124e-03 + z * (
        -1.98412698298579493134e-04
        + z
        * (2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10))
    )
    return high - ((z * (0.5 * low - v * r) - low) - v * -1.66666666666666324348e-01)


@jit
def _cosine(high, low):
    z = high * high
    r = z * (
        4.16666666666666019037e-02
        + z
        * (
            -1.38888888888741095749e-03
            + z
            * (
                2.48015872894767294178e-05
                + z
                * (
                    -2.75573143513906633035e-07
                    + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
                )
            )
        )
    )
    half = 0.5 * z
    w = 1.0 - half
    return w + (((1.0 - w) - half) + (z * r - high * low))


@jit
def fast_sin(x):
    """sin(x) for |x| <= TRIG_RANGE."""
    quadrant, high, low = _reduce(x)
    # Both are computed, as a choice between two values is a vector instruction and a branch is not.
    sine, cosine = _sine(high, low), _cosine(high, low)
    y = cosine if quadrant & _1 else sine
    return -y if quadrant & np.int64(2) else y


@jit
def fast_cos(x):
    """cos(x) for |x| <= TRIG_RANGE."""
    quadrant, high, low = _reduce(x)
    sine, cosine = _sine(high, low), _cosine(high, low)
    y = sine if quadrant & _1 else cosine
    return -y if (quadrant + _1) & np.int64(2) else y


@jit
def fast_tanh(x):
    """tanh(x)."""
    t = fast_expm1(2.0 * min(abs(x), 20.0))
    y = t / (t + 2.0)
    y = -y if x < 0.0 else y
    return y if x == x else x
