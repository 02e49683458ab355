"""A loss that is a function of the user's, of the predictions for all rows: called by its address from compiled code.

A function that numba has compiled runs without the GIL; any other is called with it, one thread at a time.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from balmer.errors import ConfigError
from balmer.kernels.entry import call_forward
from balmer.kernels.jit import bare_jit

__all__ = ["LossFunction", "function_loss"]

_ARGUMENTS = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)


class LossFunction:
    """A function ``f(prediction, target, weights) -> float`` behind an address.

    Parameters
    ----------
    function : of three float64 arrays, shape (n_rows,); a Python function or one compiled by ``numba.njit``.

    Raises
    ------
    ConfigError
        If a compiled function does not take three arrays or does not return a number.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)
        self._failure: BaseException | None = None
        self._callback: Any = self._compiled() if hasattr(function, "py_func") else self._called()
        self.address = np.uint64(
            self._callback.address
            if hasattr(self._callback, "address")
            else ctypes.cast(self._callback, ctypes.c_void_p).value or 0
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return LossFunction, (self.function,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LossFunction) and self.function == other.function

    def __hash__(self) -> int:
        return hash(self.function)

    def check(self) -> None:
        """Raise what the function has raised, or why its value was no loss; see `Loss.check`."""
        failure, self._failure = self._failure, None
        if failure is None:
            return
        if not isinstance(failure, Exception):
            raise failure  # Ctrl-C
        if isinstance(failure, ConfigError):
            raise failure
        raise ConfigError(
            f"the loss function {self.name} raised {type(failure).__name__}: {failure}"
        ) from failure

    def _called(self) -> Any:
        def call(prediction: int, target: int, weights: int, n: int) -> float:
            try:
                arrays = (
                    np.array((ctypes.c_double * n).from_address(address))
                    for address in (prediction, target, weights)
                )
                value = float(self.function(*arrays))
                if value < 0:
                    raise ConfigError(f"the loss function {self.name} gave {value}: a loss is 0 or more")
            except BaseException as error:  # nothing may pass through compiled code
                self._failure = self._failure or error
                return float("nan")
            return value

        return ctypes.CFUNCTYPE(ctypes.c_double, *_ARGUMENTS)(call)

    def _compiled(self) -> Any:
        function = self.function
        array = types.CPointer(types.float64)

        def call(prediction, target, weights, n):
            return function(carray(prediction, (n,)), carray(target, (n,)), carray(weights, (n,)))

        try:
            return numba.cfunc(types.float64(array, array, array, types.int64))(call)
        except numba.core.errors.NumbaError as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise ConfigError(
                f"the loss function {self.name} cannot be compiled for three arrays of float64 and a number in return: "
                f"{lines[-1] if lines else type(error).__name__}"
            ) from None


@bare_jit
def function_loss(program, table):
    """The loss of a program over all rows; infinity where it is negative or no number."""
    rows = table.loss.rows
    n = rows.shape[1]
    width = np.int64(table.width)
    for b in range(table.n_blocks):
        block = np.uint64(b)
        call_forward(table.forward, program.code, program.m, table.ws.ctypes.data, block, table.width)
        prediction = program.root + block * program.stride
        start = np.int64(b) * width
        for j in range(min(width, n - start)):
            value = np.float64(table.ws[prediction + np.uint64(j)])
            if not np.isfinite(value):
                return np.inf
            rows[0, start + j] = value
    first = np.uint64(rows.ctypes.data)
    step = np.uint64(8 * n)
    value = _call(table.loss.function, first, first + step, first + step + step, n)
    return value if value >= 0.0 else np.inf


@intrinsic
def _call(typingctx, address, prediction, target, weights, n):
    """Call the function at an address with three addresses of float64 and their number."""

    def generate(context, builder, signature, arguments):
        byte = ir.IntType(8).as_pointer()
        passed = [builder.inttoptr(a, byte) for a in arguments[1:4]] + [arguments[4]]
        function = ir.FunctionType(ir.DoubleType(), [a.type for a in passed])
        return builder.call(builder.inttoptr(arguments[0], function.as_pointer()), passed)

    u = types.uint64
    return types.float64(u, u, u, u, types.int64), generate
