"""LAPACK's Cholesky factor and inverse for compiled code, without the GIL: through the addresses that SciPy exports."""

from __future__ import annotations

from functools import cache

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import get_cython_function_address, intrinsic

from balmer.kernels.jit import jit

__all__ = ["addresses", "invert"]

_LOWER = ord("L")


@cache
def addresses() -> tuple[int, int]:
    """Of dpotrf and dpotri; as they differ between processes, compiled code, which is cached, gets them as numbers."""
    where = (get_cython_function_address("scipy.linalg.cython_lapack", name) for name in ("dpotrf", "dpotri"))
    potrf, potri = where
    return potrf, potri


@intrinsic
def _call(typing, address, a, b, c, d, e):
    """Call the function at `address` with five pointers, which are given as numbers too."""

    def generate(context, builder, signature, arguments):
        pointer = ir.PointerType(ir.IntType(8))
        kind = ir.FunctionType(ir.VoidType(), [pointer] * 5)
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        builder.call(function, [builder.inttoptr(value, pointer) for value in arguments[1:]])
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), generate


@jit
def invert(matrix, potrf, potri):
    """Replace the upper triangle of a symmetric positive definite matrix by that of its inverse.

    Parameters
    ----------
    matrix : shape (n, n), row after row; only the upper triangle counts and is changed.
    potrf, potri : see `addresses`.

    Returns
    -------
    Half the logarithm of the determinant, NaN if the matrix is not positive definite.
    """
    # Row after row the upper triangle is to LAPACK, which counts column after column, the lower one.
    n = matrix.shape[0]
    numbers = np.array([n, 0, _LOWER], np.int32)
    size = numbers.ctypes.data
    info, lower = size + 4, size + 8
    _call(potrf, lower, size, matrix.ctypes.data, size, info)
    if numbers[1] != 0:
        return np.nan
    half = 0.0
    for i in range(n):
        half += np.log(matrix[i, i])
    _call(potri, lower, size, matrix.ctypes.data, size, info)
    return half if numbers[1] == 0 else np.nan  # which also keeps them alive for the call
