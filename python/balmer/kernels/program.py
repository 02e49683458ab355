"""Running a postfix program over blocks of rows: the packed table, lowering to three-address code, the loss.

All the numbers of one worker live in one flat array `ws`, cut into slots of `width` rows:

    values of node 0 ... L-1 | adjoints of node 0 ... L-1 | residual | spare | block 0 | block 1 | ...

and a block of data is `n_features` slots of features, then the target, the weights and the roots of the weights. Behind
the blocks stand the slots of a loss that is a formula.
Every instruction has a slot of its own, so a destination never aliases an operand and LLVM vectorises every loop;
leaves are read where they lie. Offsets are uint64 throughout: numba checks signed indices for wrap-around, and mixing
the two gives floats.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balmer.expressions.operators import OPERATORS
from balmer.kernels.entry import (
    ADJOINT,
    CODE_COLUMNS,
    COLUMN,
    D_STRIDE,
    GP,
    GQ,
    OP,
    P_STRIDE,
    POWER,
    Q_STRIDE,
    WANT,
    D,
    Entry,
    G,
    P,
    Q,
    call_forward,
    entry,
)
from balmer.kernels.formula_loss import LossCode, formula_loss, loss_code, slots_of
from balmer.kernels.function_loss import function_loss
from balmer.kernels.jit import bare_jit
from balmer.kernels.loss import Loss
from balmer.kernels.losses import FORMULA, FUNCTION, block_loss

__all__ = [
    "FIRST_UNARY",
    "Lowered",
    "Table",
    "data_stride",
    "lower",
    "lowering_scratch",
    "pack",
    "place",
    "set_constants",
    "sum_loss",
    "target_at",
]

_BLOCK = 256  # rows at a time: 20 slots of them are 40 KiB, which stay in the L1 and L2 caches
_SQUARES = Loss()
_U0, _U1, _U2, _U3 = (np.uint64(k) for k in range(4))
_ADD, _SUB, _POW = (OPERATORS[name].code for name in ("add", "sub", "pow"))
FIRST_UNARY = min(op.code for op in OPERATORS.values() if op.arity == 1)
assert all((op.arity == 1) == (op.code >= FIRST_UNARY) for op in OPERATORS.values()), (
    "binary operators come first"
)


class Table(NamedTuple):
    """The rows that one worker works on, packed with its scratch, the loss, and the addresses of the compiled loops."""

    forward: np.uint64
    normal: np.uint64
    ws: NDArray[np.float64]  # or float32
    width: np.uint64  # rows per block
    max_nodes: np.uint64
    n_features: np.uint64
    n_blocks: np.uint64
    kind: np.uint64  # of the loss, see `losses.py`
    scale: float
    loss: LossCode


class Lowered(NamedTuple):
    """A program as three-address code: `m` instructions, `k` free constants, the place of the result."""

    code: np.uint64  # address of an array (at least m, CODE_COLUMNS), which whoever has made it keeps alive
    m: int
    k: int
    root: np.uint64
    stride: np.uint64  # by which the result moves from block to block
    seed: np.uint64  # the derivative with respect to the result


def pack(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64],
    max_nodes: int,
    loss: Loss = _SQUARES,
    real: Any = np.float64,
    loops: Entry | None = None,
) -> Table:
    """Pack data for one worker.

    Parameters
    ----------
    X : float64 array, shape (n_features, n_rows)
    y, weights : float64 arrays, shape (n_rows,)
    max_nodes : int
        Longest program that will run on it.
    loss : Loss
        What a fit makes small. The last `loss.extras` rows of X are its own, not features.
    real : float64 or float32
        What to compute with.
    loops : Entry
        Compiled loops for it; those of `entry` if None.

    Returns
    -------
    Table with `ws` aligned to 64 bytes. The last block is filled up with copies of the last row at weight 0, so that
    the filling can never make a finite loss NaN.
    """
    n_features, n_rows = X.shape
    width = min(_BLOCK, -(-n_rows // 8) * 8)  # seven planets must not cost a whole block
    n_blocks = -(-n_rows // width)
    head = (2 * max_nodes + 2) * width
    stride = (n_features + 3) * width
    end = head + n_blocks * stride
    size = end + slots_of(loss.programs) * width
    raw = np.zeros(size + 16, real)
    ws = raw[-raw.ctypes.data % 64 // raw.itemsize :][:size]
    blocks = ws[head:end].reshape(n_blocks, n_features + 3, width)
    full = n_rows // width
    for k, row in enumerate([*X, y, weights, np.sqrt(weights)]):
        blocks[:full, k] = row[: full * width].reshape(full, width)
        if full < n_blocks:
            blocks[-1, k] = row[-1] if k <= n_features else 0.0
            blocks[-1, k, : n_rows - full * width] = row[full * width :]
    u = np.uint64
    rows, function = np.zeros((3, 0)), u(0)
    if loss.function is not None:
        rows, function = np.array([np.zeros(n_rows), y, weights]), loss.function.address

    def column(k: int) -> tuple[int, int]:
        """Of the loss: the target, then the last rows of X."""
        return head + (n_features if k == 1 else n_features - loss.extras + k - 2) * width, stride

    code = loss_code(loss.programs, column, end, width, ws, rows, function)
    return Table(
        *(loops or entry(8 * ws.itemsize)),
        ws,
        u(width),
        u(max_nodes),
        u(n_features),
        u(n_blocks),
        loss.code,
        loss.scale,
        code,
    )


def lowering_scratch(n: int) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.bool_]]:
    """What `lower` takes for a program of n nodes; it has to outlive the use of the program."""
    return np.empty((n, CODE_COLUMNS), np.uint64), np.empty(n, np.int64), np.empty(n, np.bool_)


@bare_jit
def lower(ops, args, values, n, code, stack, depends, table):
    """Translate the first n nodes of a postfix program; constants are written to their slots.

    `code`, `stack` and `depends` are arrays of at least n rows to write to; afterwards `depends[i]` tells whether
    node i contains a free constant.
    """
    ws, width = table.ws, table.width
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
            binary = op < FIRST_UNARY
            right = stack[top - 1]
            left = stack[top - 2] if binary else right
            top -= 2 if binary else 1
            code[m, OP] = POWER if op == _POW and ops[right] <= 1 else np.uint64(op)
            code[m, D], code[m, D_STRIDE] = slot, _U0
            code[m, P], code[m, P_STRIDE] = place(ops, args, left, table)
            code[m, Q], code[m, Q_STRIDE] = place(ops, args, right, table)
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
    _place_derivatives(ops, n, code, m, table)
    root, root_stride = place(ops, args, n - 1, table)
    return Lowered(
        np.uint64(code.ctypes.data),
        m,
        k,
        root,
        root_stride,
        np.uint64(n - 1) * width + table.max_nodes * width,
    )


@bare_jit
def _place_derivatives(ops, n, code, m, table):
    """Where the derivatives go. That of a sum is that of its terms, which need no slots of their own then."""
    width, shift = table.width, table.max_nodes * table.width
    for i in range(n):
        code[i, ADJOINT] = np.uint64(i) * width + shift
    for i in range(m - 1, -1, -1):
        want, op = code[i, WANT], np.int64(code[i, OP])
        g = code[code[i, D] // width, ADJOINT]
        code[i, G], code[i, GP], code[i, GQ] = g, _U0, _U0
        if code[i, OP] == POWER:
            code[i, GQ] = code[i, Q] + shift
        if want & _U1:
            p = code[i, P] // width
            if op == _ADD or op == _SUB:
                code[p, ADJOINT] = g
                want -= _U1
            code[i, GP] = code[p, ADJOINT]
        if want & _U2:
            q = code[i, Q] // width
            if op == _ADD:
                code[q, ADJOINT] = g
                want -= _U2
            code[i, GQ] = code[q, ADJOINT]
        code[i, WANT] = want
    k = 0
    for i in range(n):
        if ops[i] == 0:
            code[k, COLUMN] = code[i, ADJOINT]
            k += 1


@bare_jit
def place(ops, args, node, table):
    """Offset of a node's values, and its stride per block."""
    if ops[node] == 2:
        data = (_U2 * table.max_nodes + _U2) * table.width
        return data + np.uint64(args[node]) * table.width, data_stride(table)
    return np.uint64(node) * table.width, _U0


@bare_jit
def data_stride(table):
    """Numbers from one block of data to the next."""
    return (table.n_features + _U3) * table.width


@bare_jit
def target_at(table, block):
    """Offset of a block's target values; its weights follow."""
    return (_U2 * table.max_nodes + _U2 + table.n_features) * table.width + np.uint64(block) * data_stride(
        table
    )


@bare_jit
def set_constants(ops, n, theta, table):
    """Write the free constants theta, shape (k,), into their slots."""
    k = 0
    for i in range(n):
        if ops[i] == 0:
            slot = np.uint64(i) * table.width
            value = theta[k]
            for j in range(table.width):
                table.ws[slot + j] = value
            k += 1


@bare_jit
def sum_loss(program, table, bound):
    """The loss over all blocks; infinity as soon as it passes `bound` or is not a number."""
    if table.kind == FUNCTION:
        return function_loss(program, table)
    total = 0.0
    for b in range(table.n_blocks):
        call_forward(
            table.forward,
            program.code,
            program.m,
            table.ws.ctypes.data,
            np.uint64(b),
            table.width,
        )
        prediction = program.root + np.uint64(b) * program.stride
        target = target_at(table, b)
        if table.kind == FORMULA:
            total += formula_loss(table, np.uint64(b), prediction, target)
        else:
            total += block_loss(table.kind, table.scale, table.ws, prediction, target, table.width)
        if not total <= bound:
            return np.inf
    return total if total >= 0.0 else np.inf
