"""Products of all pairs of columns of the Jacobian over one block of rows, in tiles that stay in registers."""

from __future__ import annotations

from balmer.kernels.jit import loops_jit

__all__ = ["gram", "without_nan"]


@loops_jit
def gram(columns, k, ws, residual, width, out):
    """Add to out[i, j], j <= i <= k, the products of column i and column j, of which number k is the residual."""
    for i in range(0, k + 1, 2):
        a0 = residual if i >= k else columns[i]
        a1 = residual if i + 1 >= k else columns[i + 1]
        for j in range(0, i + 2, 4):
            b0 = residual if j >= k else columns[j]
            b1 = residual if j + 1 >= k else columns[j + 1]
            b2 = residual if j + 2 >= k else columns[j + 2]
            b3 = residual if j + 3 >= k else columns[j + 3]
            sums = _tile(ws, a0, a1, b0, b1, b2, b3, width)
            for t in range(min(4, k + 1 - j)):
                out[i, j + t] += sums[t]
                if i < k:
                    out[i + 1, j + t] += sums[t + 4]


@loops_jit
def without_nan(ws, column, width):
    """Put 0 where a column is NaN."""
    for j in range(width):
        v = ws[column + j]
        ws[column + j] = v if v == v else ws.dtype.type(0.0)


@loops_jit
def _tile(ws, a0, a1, b0, b1, b2, b3, width):
    """Products of two columns with four: 8 sums for 6 loads, where pairs one by one take 16."""
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = ws.dtype.type(0.0)
    for r in range(width):
        x, y = ws[a0 + r], ws[a1 + r]
        u0, u1, u2, u3 = ws[b0 + r], ws[b1 + r], ws[b2 + r], ws[b3 + r]
        s00 += x * u0
        s01 += x * u1
        s02 += x * u2
        s03 += x * u3
        s10 += y * u0
        s11 += y * u1
        s12 += y * u2
        s13 += y * u3
    return s00, s01, s02, s03, s10, s11, s12, s13
