"""Products of all pairs of columns of the Jacobian over one block of rows, in tiles that stay in registers."""

from __future__ import annotations

from balmer.kernels.jit import loops_jit

__all__ = ["gram", "without_nan"]


@loops_jit
def gram(columns, k, ws, residual, width, out):
    """Add to out[i, j], j <= i <= k, the products of column i and column j, of which number k is the residual."""
    n = k + 1
    for i in range(0, n, 4):
        a0, a1 = columns[i] if i < k else residual, columns[i + 1] if i + 1 < k else residual
        if n - i > 2:
            a2, a3 = columns[i + 2] if i + 2 < k else residual, columns[i + 3] if i + 3 < k else residual
            for j in range(0, i, 4):
                sums = _square(
                    ws, a0, a1, a2, a3, columns[j], columns[j + 1], columns[j + 2], columns[j + 3], width
                )
                for s in range(min(4, n - i)):
                    for t in range(4):
                        out[i + s, j + t] += sums[4 * s + t]
            own = _triangle(ws, a0, a1, a2, a3, width)
            for s in range(min(4, n - i)):
                for t in range(s + 1):
                    out[i + s, i + t] += own[s * (s + 1) // 2 + t]
        else:
            for j in range(0, i, 4):
                pair = _two_with_four(
                    ws, a0, a1, columns[j], columns[j + 1], columns[j + 2], columns[j + 3], width
                )
                for s in range(n - i):
                    for t in range(4):
                        out[i + s, j + t] += pair[4 * s + t]
            last = _small_triangle(ws, a0, a1, width)
            for s in range(n - i):
                for t in range(s + 1):
                    out[i + s, i + t] += last[s + t]


@loops_jit
def without_nan(ws, column, width):
    """Put 0 where a column is NaN."""
    for j in range(width):
        v = ws[column + j]
        ws[column + j] = v if v == v else ws.dtype.type(0.0)


@loops_jit
def _square(ws, a0, a1, a2, a3, b0, b1, b2, b3, width):
    """Products of four columns with four: 16 sums for 8 loads, where pairs one by one take 32."""
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = ws.dtype.type(0.0)
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = ws.dtype.type(0.0)
    for r in range(width):
        x0, x1, x2, x3 = ws[a0 + r], ws[a1 + r], ws[a2 + r], ws[a3 + r]
        y0, y1, y2, y3 = ws[b0 + r], ws[b1 + r], ws[b2 + r], ws[b3 + r]
        s00 += x0 * y0
        s01 += x0 * y1
        s02 += x0 * y2
        s03 += x0 * y3
        s10 += x1 * y0
        s11 += x1 * y1
        s12 += x1 * y2
        s13 += x1 * y3
        s20 += x2 * y0
        s21 += x2 * y1
        s22 += x2 * y2
        s23 += x2 * y3
        s30 += x3 * y0
        s31 += x3 * y1
        s32 += x3 * y2
        s33 += x3 * y3
    return s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33


@loops_jit
def _triangle(ws, a0, a1, a2, a3, width):
    """Products of four columns with each other, row by row."""
    s00 = s10 = s11 = s20 = s21 = s22 = s30 = s31 = s32 = s33 = ws.dtype.type(0.0)
    for r in range(width):
        x0, x1, x2, x3 = ws[a0 + r], ws[a1 + r], ws[a2 + r], ws[a3 + r]
        s00 += x0 * x0
        s10 += x1 * x0
        s11 += x1 * x1
        s20 += x2 * x0
        s21 += x2 * x1
        s22 += x2 * x2
        s30 += x3 * x0
        s31 += x3 * x1
        s32 += x3 * x2
        s33 += x3 * x3
    return s00, s10, s11, s20, s21, s22, s30, s31, s32, s33


@loops_jit
def _two_with_four(ws, a0, a1, b0, b1, b2, b3, width):
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = ws.dtype.type(0.0)
    for r in range(width):
        x0, x1 = ws[a0 + r], ws[a1 + r]
        y0, y1, y2, y3 = ws[b0 + r], ws[b1 + r], ws[b2 + r], ws[b3 + r]
        s00 += x0 * y0
        s01 += x0 * y1
        s02 += x0 * y2
        s03 += x0 * y3
        s10 += x1 * y0
        s11 += x1 * y1
        s12 += x1 * y2
        s13 += x1 * y3
    return s00, s01, s02, s03, s10, s11, s12, s13


@loops_jit
def _small_triangle(ws, a0, a1, width):
    s00 = s10 = s11 = ws.dtype.type(0.0)
    for r in range(width):
        x0, x1 = ws[a0 + r], ws[a1 + r]
        s00 += x0 * x0
        s10 += x1 * x0
        s11 += x1 * x1
    return s00, s10, s11
