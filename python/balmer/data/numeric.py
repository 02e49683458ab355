"""Turns cells of any numeric type into float64, or says which cell is no number."""

from __future__ import annotations

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.errors import DataError

__all__ = ["Floats", "is_numeric", "to_float64"]

_NUMBER = (Real, Decimal, np.bool_)

Floats = NDArray[np.float64]


def to_float64(cells: Any, column: str) -> Floats:
    """Convert one column.

    Parameters
    ----------
    cells : numpy.ndarray or pyarrow.ChunkedArray, length n_rows
        Booleans, integers, floats, decimals, or objects of these; None and null are missing.
    column : str
        Its name, for a message.

    Returns
    -------
    numpy.ndarray of float64, shape (n_rows,)
        NaN where a cell is missing. May share memory with `cells`.

    Raises
    ------
    DataError
        Naming the column, the first value that is no number, and its row.
    """
    return _from_numpy(cells, column) if isinstance(cells, np.ndarray) else _from_arrow(cells, column)


def is_numeric(cells: Any) -> bool:
    """Whether a pyarrow column holds numbers, or nothing at all."""
    from pyarrow import types

    kind = cells.type
    if types.is_dictionary(kind):
        kind = kind.value_type
    tests = (types.is_floating, types.is_integer, types.is_boolean, types.is_decimal, types.is_null)
    return any(test(kind) for test in tests)


def _from_numpy(cells: NDArray[Any], column: str) -> Floats:
    if isinstance(cells, np.ma.MaskedArray):
        return np.asarray(np.ma.filled(cells.astype(np.float64), np.nan))
    if cells.dtype.kind in "fiub":
        return cells.astype(np.float64, copy=False)
    if cells.dtype.kind != "O":
        raise _not_a_number(cells.tolist(), column)
    values = np.empty(cells.shape, dtype=np.float64)
    for row, value in enumerate(cells.tolist()):
        if not (value is None or isinstance(value, _NUMBER)):
            raise _not_a_number(cells.tolist(), column)
        values[row] = np.nan if value is None else float(value)
    return values


def _from_arrow(cells: Any, column: str) -> Floats:
    import pyarrow as pa

    if not is_numeric(cells):
        raise _not_a_number(cells.to_pylist(), column, str(cells.type))
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    values = cells.cast(pa.float64(), safe=False).to_numpy()
    return np.asarray(values, dtype=np.float64)


def _not_a_number(values: list[Any], column: str, kind: str = "") -> DataError:
    """Name the first cell that cannot be read as a number; where all can, they are numbers kept as text."""
    first: tuple[int, Any] | None = None
    for row, value in enumerate(values, start=1):
        if value is None or isinstance(value, _NUMBER):
            continue
        if first is None:
            first = row, value
        if not _reads_as_number(value):
            return DataError(
                f"column '{column}' is not numeric: row {row} holds {value!r}; mend it or leave it out"
            )
    if first is None:
        return DataError(f"column '{column}' is not numeric: its type is {kind or 'unknown'}")
    return DataError(
        f"column '{column}' holds numbers as text (row {first[0]} holds {first[1]!r}); "
        "convert it to numbers first"
    )


def _reads_as_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
