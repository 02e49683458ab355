"""exp, log, sin, cos, tanh, pow and their kin without branches, so that LLVM turns loops over them into vector code.

Range reduction in the manner of W. J. Cody and W. Waite, "Software Manual for the Elementary Functions" (1980); the
polynomials of log are those of fdlibm (Sun Microsystems 1993), the others were fitted for the least relative error
(Remez). Rounding to a whole number adds and subtracts 1.5 * 2^52, which works in vector registers of every processor,
shifts go to the right without sign, as AVX2 has no other for 64 bits, and the order of operations matters: these
functions are compiled without leave to reorder.
"""

from __future__ import annotations

import numpy as np

from balmer.kernels.bits import bits, exact_fma, fma, number, whole
from balmer.kernels.jit import inline_jit

__all__ = [
    "TRIG_RANGE",
    "fast_cos",
    "fast_exp",
    "fast_expm1",
    "fast_log",
    "fast_log1p",
    "fast_pow",
    "fast_sin",
    "fast_tanh",
    "log_parts",
    "near_log_parts",
    "near_power",
    "near_power_range",
    "power_of_parts",
]

TRIG_RANGE = (
    3e5  # beyond this angle (rad) the reduction loses digits, and the caller takes the library's functions
)

_ROUND = 6755399441055744.0  # 1.5 * 2**52
_SIGN = np.uint64(1 << 63)
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_1, _52, _63 = np.uint64(1), np.uint64(52), np.uint64(63)
# What is taken from the bits of a number rounded with _ROUND: 2048 is left, so that they shift to the right.
_OFFSET = np.uint64(0x4338000000000000 - 2048)
_LEAST_MANTISSA = np.uint64(0x3FE6A09E667F3BCD)  # the bits of sqrt(1/2)
_UP = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_EXPONENT_ROUND = np.uint64(0x4338000000000000)
_UNBIAS = _ROUND + 1023.0
_NEAR_POWER = 16.0  # the size of b log(a) up to which less of the logarithm is enough
_SMALLEST, _LARGEST = 2.2250738585072014e-308, 1.7976931348623157e308


@inline_jit
def _exp_reduce(x):
    """(r, k + 2048) with exp(x) = exp(r) 2^k and |r| <= ln(2)/2, for -746 <= x <= 710."""
    shifted = fma(x, _LOG2_E, _ROUND)
    k = shifted - _ROUND
    return fma(-k, _LN2_LOW, fma(-k, _LN2_HIGH, x)), bits(shifted) - _OFFSET


@inline_jit
def _expm1(r):
    """exp(r) - 1 for |r| <= ln(2)/2."""
    # Short chains of operations, as their latency counts: (exp(r) - 1 - r) / r^2 in pairs of terms.
    z = r * r
    w = z * z
    first = fma(
        fma(0.008333333333307092, r, 0.041666666666515445), z, fma(0.166666666666667, r, 0.5000000000000012)
    )
    second = fma(fma(2.7557216122839684e-06, r, 2.48014899473755e-05), z,
                 fma(0.00019841269917606098, r, 0.001388888894701036))  # fmt: skip
    third = fma(2.511791108346434e-08, r, 2.763127868185751e-07)
    return fma(fma(fma(third, w, second), w, first), z, r)


@inline_jit
def _scale(p, k):
    """(1 + p) 2^(k - 2048) in two steps, so that results near the ends of the range come out rightly."""
    half = k >> _1
    factor = number((half - _1) << _52)
    return fma(p, factor, factor) * number((k - half - _1) << _52)


@inline_jit
def fast_exp(x):
    """exp(x)."""
    clipped = -746.0 if x < -746.0 else x
    r, k = _exp_reduce(710.0 if clipped > 710.0 else clipped)
    return _scale(_expm1(r), k)


@inline_jit
def _exp_minus_1(x):
    """exp(x) - 1 without cancellation, for -40 <= x <= 710."""
    r, k = _exp_reduce(x)
    half = number((k - np.uint64(1026)) << _52)  # 2^k / 2, as 2^1024 is no number
    y = fma(_expm1(r), half, half - 0.5)
    return y + y


@inline_jit
def fast_expm1(x):
    """exp(x) - 1 without cancellation."""
    clipped = -40.0 if x < -40.0 else x
    y = _exp_minus_1(710.0 if clipped > 710.0 else clipped)
    return number(bits(y) | (bits(x) & _SIGN))  # the sign for -0


@inline_jit
def fast_log(x):
    """log(x); NaN for x < 0."""
    tiny = x < 2.2250738585072014e-308
    raised = bits(x * 18014398509481984.0 if tiny else x) + _UP  # 2^54
    # The mantissa is shifted to [sqrt(1/2), sqrt(2)).
    k = number((raised >> _52) + _EXPONENT_ROUND) - ((_UNBIAS + 54.0) if tiny else _UNBIAS)
    f = number((raised & _MANTISSA) + _LEAST_MANTISSA) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = fma(fma(fma(0.1479819860511658591, w, 0.1818357216161805012), w, 0.2857142874366239149), w,
              0.6666666666666735130)  # fmt: skip
    even = fma(fma(0.1531383769920937332, w, 0.2222219843214978396), w, 0.3999999999940941908)
    r = fma(w, even, z * odd)
    half_square = 0.5 * f * f
    result = fma(k, _LN2_HIGH, f - (half_square - fma(s, half_square + r, k * _LN2_LOW)))
    result = result if x < np.inf else x
    return result if x > 0.0 else (-np.inf if x == 0.0 else np.nan)


@inline_jit
def fast_log1p(x):
    """log(1 + x) without cancellation; NaN for x < -1."""
    u = 1.0 + x
    rest = (x - (u - 1.0)) / u
    y = fast_log(u)
    y = y + rest if abs(y) < np.inf else y
    return number(bits(y) | (bits(x) & _SIGN))  # the sign for -0


@inline_jit
def _sine(x, k):
    """sin(x - k pi) for k near x / pi: pi in three parts, of which products with the first two are exact."""
    first = fma(-k, 3.1415926534682512, x)
    r = fma(-k, 1.2154201012607932e-10, first)
    r = r + fma(-k, 4.044532497591901e-21, fma(-k, 1.2154201012607932e-10, first - r))
    z = r * r
    w = z * z
    first = fma(2.7557319212131522e-06, z, -0.00019841269841215284)
    second = fma(1.60589439267938e-10, z, -2.5052106960129665e-08)
    third = fma(2.722250790012044e-15, z, -7.64309733040892e-13)
    rest = fma(fma(third, w, second), w, first)
    return fma(r * z, fma(fma(rest, z, 0.008333333333333212), z, -0.16666666666666666), r)


@inline_jit
def fast_sin(x):
    """sin(x) for |x| <= TRIG_RANGE."""
    shifted = fma(abs(x), 0.3183098861837907, _ROUND)
    y = _sine(abs(x), shifted - _ROUND)
    return number(bits(y) ^ (bits(shifted) << _63) ^ (bits(x) & _SIGN))


@inline_jit
def fast_cos(x):
    """cos(x) for |x| <= TRIG_RANGE."""
    # cos(x) = sin(x + pi/2): the multiples of pi taken away are odd halves.
    shifted = fma(abs(x), 0.3183098861837907, -0.5) + _ROUND
    y = _sine(abs(x), (shifted - _ROUND) + 0.5)
    return number(bits(y) ^ ((bits(shifted) + _1) << _63))


@inline_jit
def fast_tanh(x):
    """tanh(x)."""
    size = abs(x)
    t = _exp_minus_1(2.0 * (20.0 if size > 20.0 else size))
    # t / (t + 2), with what rounding took from the sum given back.
    d = t + 2.0
    inverse = 1.0 / d
    y = t * inverse
    y = fma(fma(-y, d, t) - y * (t - (d - 2.0)), inverse, y)
    return number(bits(y) | (bits(x) & _SIGN))


@inline_jit
def log_parts(x):
    """(high, low), which sum up to log(x) with 64 correct bits, for 0 < x < inf."""
    tiny = x < 2.2250738585072014e-308
    raised = bits(x * 18014398509481984.0 if tiny else x) + _UP
    k = number((raised >> _52) + _EXPONENT_ROUND) - ((_UNBIAS + 54.0) if tiny else _UNBIAS)
    f = number((raised & _MANTISSA) + _LEAST_MANTISSA) - 1.0
    # log(1 + f) = s (2 + v) with s = f / (2 + f) and v = s^2 (2/3 + s^2 q); what rounding takes from a number is
    # kept in its `_low`.
    d = 2.0 + f
    d_low = f - (d - 2.0)
    inverse = 1.0 / d
    s = f * inverse
    s_low = (exact_fma(-s, d, f) - s * d_low) * inverse
    z = s * s
    z_low = fma(2.0 * s, s_low, exact_fma(s, s, -z))
    w = z * z
    even = fma(fma(fma(0.13196506409267753, w, 0.1538675811303671), w, 0.22222222520105914), w,
               0.40000000000002256)  # fmt: skip
    odd = fma(fma(0.13256799061593175, w, 0.1818178435061789), w, 0.28571428570098584)
    q = z * fma(odd, z, even)
    c = 0.6666666666666666 + q
    c_low = (0.6666666666666666 - c) + q + 3.700743415417188e-17
    v = z * c
    v_low = exact_fma(z, c, -v) + fma(z, c_low, z_low * c)
    t = s * v
    t_low = exact_fma(s, v, -t) + fma(s, v_low, s_low * v)
    high = 2.0 * s + t
    low = ((2.0 * s - high) + t) + fma(2.0, s_low, t_low)
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
    high = high if size < np.inf else size  # infinity or NaN
    high = high if size > 0.0 else (-np.inf if size == 0.0 else size)
    x = b * high
    rest = fma(b, low, exact_fma(b, high, -x))
    rest = rest if abs(x) < 750.0 else 0.0
    x = -746.0 if x < -746.0 else x
    x = 710.0 if x > 710.0 else x
    r, k = _exp_reduce(x)
    y = _scale(_expm1(r + rest), k)
    # Conditions are joined by & and |, as `and` and `or` are branches.
    y = 1.0 if (size == 1.0) & (b == b) else y
    floor = whole(b)
    odd = (floor == b) & (whole(0.5 * b) != 0.5 * b)
    y = number(bits(y) | (bits(a) & (_SIGN if odd else np.uint64(0))))
    y = np.nan if (a < 0.0) & (a > -np.inf) & (floor != b) else y
    return 1.0 if (b == 0.0) | (a == 1.0) else y


@inline_jit
def near_power_range(b):
    """(least, most): for least < |a| < most, a**b is `near_power`; none for an exponent that is no number."""
    most = fast_exp(_NEAR_POWER / abs(b))
    least = 1.0 / most
    return _SMALLEST if least < _SMALLEST else least, _LARGEST if most > _LARGEST else most


@inline_jit
def near_log_parts(x):
    """(high, low), which sum up to log(x) with 57 correct bits, for x that is not subnormal."""
    raised = bits(x) + _UP
    k = number((raised >> _52) + _EXPONENT_ROUND) - _UNBIAS
    f = number((raised & _MANTISSA) + _LEAST_MANTISSA) - 1.0
    # As in `log_parts`, but what rounding takes counts only in s, as s v is less than a hundredth of it.
    d = 2.0 + f
    inverse = 1.0 / d
    s = f * inverse
    s_low = fma(-s, f - (d - 2.0), exact_fma(-s, d, f)) * inverse
    z = s * s
    w = z * z
    odd = fma(fma(fma(0.1479819860511658591, w, 0.1818357216161805012), w, 0.2857142874366239149), w,
              0.6666666666666735130)  # fmt: skip
    even = fma(fma(0.1531383769920937332, w, 0.2222219843214978396), w, 0.3999999999940941908)
    t = fma(s, fma(w, even, z * odd), 2.0 * s_low)
    high = 2.0 * s + t
    low = (2.0 * s - high) + t
    big = k * _LN2_HIGH
    total = big + high
    return total, ((big - total) + high) + fma(k, _LN2_LOW, low)


@inline_jit
def near_power(a, b, high, low):
    """a**b, given `near_log_parts` of |a|, in the range that `near_power_range` gives."""
    x = b * high
    rest = fma(b, low, exact_fma(b, high, -x))
    r, k = _exp_reduce(x)
    factor = number((k - np.uint64(1025)) << _52)
    y = fma(_expm1(r + rest), factor, factor)
    floor = whole(b)
    odd = (floor == b) & (whole(0.5 * b) != 0.5 * b)
    y = number(bits(y) | (bits(a) & (_SIGN if odd else np.uint64(0))))
    return y if (a > 0.0) | (floor == b) else np.nan
