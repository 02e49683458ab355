"""Division by one number for many rows: by its reciprocal, which takes a third of the time, and as exact."""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from balmer.kernels.jit import inline_jit

__all__ = ["SMALLEST_DIVISOR", "quotient"]

SMALLEST_DIVISOR = (
    1e-30  # and its inverse the largest: then reciprocals stay far from the ends of float32, too
)


@intrinsic
def _fma(typingctx, a, b, c):
    """a*b + c, rounded once."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return (a(a, a, a), generate) if isinstance(a, types.Float) else None


@inline_jit
def quotient(a, b, r):
    """a / b, where r is the nearest number to 1 / b and SMALLEST_DIVISOR < |b| < 1 / SMALLEST_DIVISOR.

    The remainder, which is exact, corrects the last bit (Markstein, IBM J. Res. Dev. 34 (1990) 111). Only where it
    underflows, as with an `a` below 1e-290 (1e-30 in float32), may the result be the second nearest.
    """
    first = a * r
    better = _fma(_fma(-first, b, a), r, first)
    return better if better == better else first
