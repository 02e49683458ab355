"""Arrays in memory, laid out as in scikit-learn or by name, offered as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balmer.data.column import Role
from balmer.data.metadata import About, Header
from balmer.data.quantities import split
from balmer.data.source import Source
from balmer.errors import DataError

__all__ = ["array_source"]


def array_source(
    X: ArrayLike | Mapping[str, ArrayLike],
    y: ArrayLike,
    names: Sequence[str] | None,
    target: str,
    weights: ArrayLike | None,
    sigma: ArrayLike | None,
    about: About,
) -> Source:
    """Offer arrays; see `Dataset.from_arrays` for the arguments.

    Raises
    ------
    DataError
        If an array has the wrong number of dimensions, lengths differ, or names do not fit.
    """
    of_y, unit_of_y = _vector(y, target)
    columns = _features(X, names)
    cells = {name: values for name, values, _ in columns}
    headers = [Header(name, unit, role=Role.FEATURE) for name, _, unit in columns]
    headers.append(Header(target, unit_of_y, role=Role.TARGET))
    named = set(cells)
    cells.setdefault(target, of_y)
    for role, values in ((Role.WEIGHT, weights), (Role.UNCERTAINTY, sigma)):
        if values is None:
            continue
        name = role.value
        while name in named or name == target:
            name += "_"
        cells[name], unit = _vector(values, name)
        headers.append(Header(name, unit, role=role))
    for name, values in cells.items():
        if len(values) != len(of_y):
            raise DataError(f"column '{name}' has {len(values)} rows, the target '{target}' {len(of_y)}")
    return Source("the data", tuple(headers), len(of_y), cells.__getitem__, about)


def _features(
    X: ArrayLike | Mapping[str, ArrayLike], names: Sequence[str] | None
) -> list[tuple[str, NDArray[Any], str | None]]:
    if hasattr(type(X), "colnames"):  # a table of astropy
        X = {name: X[name] for name in X.colnames}  # type: ignore[union-attr, index]
    if isinstance(X, Mapping):
        if names is not None:
            raise DataError("names are given twice: as keys of X and as names=; give them once")
        return [(str(name), *_vector(values, str(name))) for name, values in X.items()]
    cells, unit = split(X, "X")
    matrix = _array(cells, "X")
    if matrix.ndim != 2:
        shape = "x".join(map(str, matrix.shape)) or "one number"
        raise DataError(
            f"X has {matrix.ndim} dimensions ({shape}); accepted are (n_rows, n_features) or a dict of arrays"
        )
    names = [f"x{i}" for i in range(matrix.shape[1])] if names is None else [str(name) for name in names]
    if len(names) != matrix.shape[1]:
        raise DataError(f"X has {matrix.shape[1]} columns, but {len(names)} names are given")
    return [(name, values, unit) for name, values in zip(names, matrix.T, strict=True)]


def _vector(values: Any, name: str) -> tuple[NDArray[Any], str | None]:
    """The cells, and the unit that they bring."""
    if hasattr(getattr(values, "dtype", None), "units") and hasattr(
        values, "array"
    ):  # a series of pint-pandas
        values = values.array.quantity
    values, unit = split(values, name)
    array = _array(values, f"column '{name}'")
    if array.ndim != 1:
        raise DataError(f"column '{name}' has {array.ndim} dimensions; accepted is one, (n_rows,)")
    return array, unit


def _array(values: ArrayLike, what: str) -> NDArray[Any]:
    try:
        return np.asanyarray(values)
    except ValueError:
        raise DataError(f"{what} is no array: its rows differ in length") from None
