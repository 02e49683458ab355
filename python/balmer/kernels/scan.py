"""How near each of many columns g comes, as a + b g, to a wanted one: the inner loop of the search for a part."""

from __future__ import annotations

import numpy as np

from balmer.kernels.jit import loops_jit

__all__ = ["PRICE", "ROUNDING", "scan"]

ROUNDING = np.float32(3e-7)  # of a sum of float32
PRICE = np.float32(0.05)  # of one more node, as a fraction of the squared deviation
_FLAT = np.float32(1e-6)  # of the mean square: a spread below is that of a constant


@loops_jit
def scan(shape, cost, first, last, w, wd, sum_d, sums):
    """Weighted sums of g, g^2 and g d, and the squared deviation of the best a + b g with a price for its length."""
    one, nothing = np.float32(1.0), np.float32(0.0)
    for i in range(first, last):
        sums[0, i] = nothing
        sums[1, i] = nothing
        sums[2, i] = nothing
    for j in range(shape.shape[0]):
        weight, weighted = w[j], wd[j]
        for i in range(first, last):
            g = shape[j, i]
            wg = weight * g
            sums[0, i] += wg
            sums[1, i] += wg * g
            sums[2, i] += weighted * g
    spread = one - sum_d * sum_d
    for i in range(first, last):
        variance = sums[1, i] - sums[0, i] * sums[0, i]
        covariance = sums[2, i] - sums[0, i] * sum_d
        rest = spread - covariance * covariance / variance
        rest = rest if rest > nothing else nothing
        score = (rest + ROUNDING) * (one + PRICE * cost[i])
        sums[3, i] = score if variance > _FLAT * sums[1, i] else np.float32(np.inf)
    return False
