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
    """For columns `first` to `last` of `shape` (n_rows, n): how near a + b g comes to d.

    `w` are the weights of the rows, of sum one, and `wd` these times d, whose weighted sum is `sum_d`. To `sums` (4, n)
    go the weighted sums of g, g^2 and g d, and the squared deviation of the best a + b g with a price for its length,
    which is `cost`.
    """
    begin, end = np.uint64(first), np.uint64(last)
    of_g, of_gg, of_gd, scores = sums[0], sums[1], sums[2], sums[3]
    nothing = np.float32(0.0)
    for i in range(begin, end):
        of_g[i] = nothing
        of_gg[i] = nothing
        of_gd[i] = nothing
    rows = shape.shape[0]
    fours = rows - rows % 4
    for j in range(0, fours, 4):  # four at a time, as the sums have to be loaded and stored each time
        _add_four(
            shape[j],
            shape[j + 1],
            shape[j + 2],
            shape[j + 3],
            w[j : j + 4],
            wd[j : j + 4],
            of_g,
            of_gg,
            of_gd,
            begin,
            end,
        )
    for j in range(fours, rows):
        _add(shape[j], w[j], wd[j], of_g, of_gg, of_gd, begin, end)
    _judge(of_g, of_gg, of_gd, cost, sum_d, scores, begin, end)
    return False


@loops_jit
def _add_four(r0, r1, r2, r3, w, d, of_g, of_gg, of_gd, begin, end):
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    d0, d1, d2, d3 = d[0], d[1], d[2], d[3]
    for i in range(begin, end):
        g0, g1, g2, g3 = r0[i], r1[i], r2[i], r3[i]
        h0, h1, h2, h3 = w0 * g0, w1 * g1, w2 * g2, w3 * g3
        of_g[i] += (h0 + h1) + (h2 + h3)
        of_gg[i] += (h0 * g0 + h1 * g1) + (h2 * g2 + h3 * g3)
        of_gd[i] += (d0 * g0 + d1 * g1) + (d2 * g2 + d3 * g3)


@loops_jit
def _add(row, w, d, of_g, of_gg, of_gd, begin, end):
    for i in range(begin, end):
        g = row[i]
        wg = w * g
        of_g[i] += wg
        of_gg[i] += wg * g
        of_gd[i] += d * g


@loops_jit
def _judge(of_g, of_gg, of_gd, cost, sum_d, scores, begin, end):
    one, nothing = np.float32(1.0), np.float32(0.0)
    spread = one - sum_d * sum_d
    for i in range(begin, end):
        variance = of_gg[i] - of_g[i] * of_g[i]
        covariance = of_gd[i] - of_g[i] * sum_d
        rest = spread - covariance * covariance / variance
        rest = rest if rest > nothing else nothing
        score = (rest + ROUNDING) * (one + PRICE * cost[i])
        scores[i] = score if variance > _FLAT * of_gg[i] else np.float32(np.inf)
