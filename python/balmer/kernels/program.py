"""Running a postfix program over blocks of rows: lowering to three-address code, values, loss, derivatives.

All the numbers of one worker live in one flat float64 array `ws`, cut into slots of `width` rows:

    values of node 0 ... L-1 | adjoints of node 0 ... L-1 | residual | spare | block 0 | block 1 | ...

and a block of data is `n_features` slots of features, then the target, then the weights. Every instruction has
a slot of its own, so a destination never aliases an operand and LLVM vectorises every loop; leaves are read where
they lie. Offsets are uint64 throughout: numba checks signed indices for wrap-around, and mixing the two gives floats.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from balmer.kernels.jit import jit, loops_jit
from balmer.kernels.entry import D, OP, P, P_STRIDE, Q, Q_STRIDE, WANT, call_forward

__all__ = [
    "BLOCK",
    "block_width",
    "lower",
    "pack",
    "set_constants",
    "sum_loss",
]

BLOCK = 256  # rows at a time: 20 slots of them are 40 KiB, which stay in the L1 and L2 caches
_U0 = np.uint64(0)
_U1 = np.uint64(1)
_U2 = np.uint64(2)


def block_width(n_rows: int) -> int:
    """Rows per block: `BLOCK`, or less for small tables so that seven planets do not cost 256."""
    return min(BLOCK, -(-n_rows // 8) * 8)


def pack(
    X: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64], max_nodes: int
) -> NDArray[np.float64]:
    """One worker's workspace `ws`, with the data in place.

    Parameters
    ----------
    X : float64 array, shape (n_features, n_rows)
    y, weights : float64 arrays, shape (n_rows,)
    max_nodes : int
        Longest program that will run in it.

    Returns
    -------
    float64 array, one-dimensional, aligned to 64 bytes. The last block is filled up with copies of the last row at
    weight 0, so that filling can never make a finite loss NaN.
    """
    n_features, n_rows = X.shape
    width = block_width(n_rows)
    n_blocks = -(-n_rows // width)
    head = (2 * max_nodes + 2) * width
    size = head + n_blocks * (n_features + 2) * width
    raw = np.zeros(size + 8)
    ws = raw[(-raw.ctypes.data // 8) % 8 :][:size]
    blocks = ws[head:].reshape(n_blocks, n_features + 2, width)
    for k, row in enumerate([*X, y, weights]):
        full = n_rows // width
        blocks[:full, k] = row[: full * width].reshape(full, width)
        if full < n_blocks:
            blocks[-1, k] = row[-1] if k <= n_features else 0.0
            blocks[-1, k, : n_rows - full * width] = row[full * width :]
    return ws


@jit
def lower(ops, args, values, n, code, stack, depends, ws, width, max_nodes, n_features):
    """Translate the first n nodes of a postfix program; constants are written to their slots.

    Returns
    -------
    (n_instructions, n_constants, root, root_stride), the offset of the result and its stride per block.
    `depends[i]` tells whether node i contains a free constant.
    """
    stride = (n_features + _U2) * width
    data = (_U2 * max_nodes + _U2) * width
    m = 0
    k = 0
    top = 0
    for i in range(n):
        op = ops[i]
        slot = np.uint64(i) * width
        if op <= 1:
            depends[i] = op == 0
            k += 1 if op == 0 else 0
            value = values[i]
            for j in range(width):
                ws[slot + j] = value
            stack[top] = i
            top += 1
        elif op == 2:
            depends[i] = False
            stack[top] = i
            top += 1
        else:
            binary = op < _FIRST_UNARY
            right = stack[top - 1]
            left = stack[top - 2] if binary else right
            top -= 2 if binary else 1
            code[m, OP] = np.uint64(op)
            code[m, D] = slot
            code[m, P], code[m, P_STRIDE] = _place(ops, args, left, width, data, stride)
            code[m, Q], code[m, Q_STRIDE] = _place(ops, args, right, width, data, stride)
            want = _U0
            if depends[left]:
                want |= _U1
            if binary and depends[right]:
                want |= _U2
            code[m, WANT] = want
            depends[i] = want != _U0
            m += 1
            stack[top] = i
            top += 1
    root, root_stride = _place(ops, args, n - 1, width, data, stride)
    return m, k, root, root_stride


@jit
def _place(ops, args, node, width, data, stride):
    if ops[node] == 2:
        return data + np.uint64(args[node]) * width, stride
    return np.uint64(node) * width, _U0


@jit
def set_constants(ops, n, theta, ws, width):
    """Write the free constants theta, shape (k,), into their slots."""
    k = 0
    for i in range(n):
        if ops[i] == 0:
            slot = np.uint64(i) * width
            value = theta[k]
            for j in range(width):
                ws[slot + j] = value
            k += 1


@loops_jit
def block_loss(ws, f, y, width):
    """Weighted sum of squares of one block: f the offset of the prediction, y of the target, weights behind it."""
    w = y + width
    total = 0.0
    for j in range(width):
        r = ws[f + j] - ws[y + j]
        total += ws[w + j] * (r * r)
    return total


@jit
def sum_loss(entry, code, m, root, root_stride, ws, width, max_nodes, n_features, n_blocks, bound):
    """Weighted sum of squares over all blocks; infinity as soon as it passes `bound` or is not a number."""
    stride = (n_features + _U2) * width
    y = (_U2 * max_nodes + _U2 + n_features) * width
    total = 0.0
    for b in range(n_blocks):
        call_forward(entry.forward, code.ctypes.data, m, ws.ctypes.data, np.uint64(b), width)
        total += block_loss(ws, root + b * root_stride, y + b * stride, width)
        if not total <= bound:
            return np.inf
    return total


def _first_unary() -> int:
    from balmer.expressions.operators import OPERATORS

    codes = [op.code for op in OPERATORS.values() if op.arity == 1]
    assert codes == list(range(codes[0], codes[0] + len(codes))), "the table lists binary operators first"
    return codes[0]


_FIRST_UNARY = _first_unary()
