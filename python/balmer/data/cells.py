"""Reads the chosen columns into float64 and refuses what no search can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from balmer.data.numeric import Floats, to_float64
from balmer.data.select import Selection
from balmer.data.source import Source
from balmer.errors import ConfigError, DataError

__all__ = ["Cells", "Missing", "WeightsMean", "read_cells"]

Missing = Literal["error", "drop"]
WeightsMean = Literal["precision", "events"]

_FEWEST_ROWS = 4


@dataclass(frozen=True, slots=True)
class Cells:
    """The numbers of a dataset, checked: shapes as in `Dataset`."""

    X: Floats
    y: Floats
    weights: Floats | None
    sigma: Floats | None
    dropped_rows: int
    missing: dict[str, int]


def read_cells(
    source: Source, chosen: Selection, missing: Missing, weights_mean: WeightsMean = "precision"
) -> Cells:
    """Load the chosen columns one at a time, so that the table is in memory about once.

    Parameters
    ----------
    source : Source
        The table.
    chosen : Selection
        Its columns that take part.
    missing : {"error", "drop"}
        What to do with rows in which a chosen column is empty, NaN or infinite.
    weights_mean : {"precision", "events"}
        What a weight is; those of events may be negative, while their sum is positive.

    Raises
    ------
    DataError
        If a column is not numeric; a cell is missing and `missing` is ``"error"``; an uncertainty is not
        positive; a weight is negative, or the sum of weights is not positive; fewer than 4 rows are left; the
        target is constant.
    ConfigError
        If `missing` or `weights_mean` is neither of its two.
    """
    if missing not in ("error", "drop"):
        raise ConfigError(f"missing='{missing}' is not accepted; accepted are 'error' and 'drop'")
    if weights_mean not in ("precision", "events"):
        raise ConfigError(
            f"weights_mean='{weights_mean}' is not accepted; accepted are 'precision' and 'events'"
        )
    if weights_mean == "events" and chosen.weights is None:
        raise ConfigError("weights_mean='events' needs a column of weights, and none is given")
    keep = np.ones(source.n_rows, dtype=np.bool_)
    counts: dict[str, int] = {}

    def load(name: str, into: Floats) -> Floats:
        into[:] = to_float64(source.load(name), name)
        finite = np.isfinite(into)
        counts[name] = source.n_rows - int(np.count_nonzero(finite))
        if counts[name] and missing == "error":
            row = int(np.argmin(finite))
            what = "is empty or NaN" if np.isnan(into[row]) else "is infinite"
            raise DataError(
                f"column '{name}': row {row + 1} {what}; pass missing='drop' (--missing drop) "
                "to leave such rows out"
            )
        keep[:] &= finite
        return into

    X = np.empty((len(chosen.features), source.n_rows))
    for i, name in enumerate(chosen.features):
        load(name, X[i])
    y = load(chosen.target, np.empty(source.n_rows))
    weights = None if chosen.weights is None else load(chosen.weights, np.empty(source.n_rows))
    sigma = None if chosen.sigma is None else load(chosen.sigma, np.empty(source.n_rows))

    if weights is not None and chosen.weights is not None:
        _check_weights(weights, keep, chosen.weights, weights_mean)
    if sigma is not None and chosen.sigma is not None:
        _check_sigma(sigma, keep, chosen.sigma)
    left = int(np.count_nonzero(keep))
    dropped = source.n_rows - left
    if left < _FEWEST_ROWS:
        after = f" left after {dropped} with missing values were dropped" if dropped else ""
        rows = "row" if left == 1 else "rows"
        raise DataError(f"{source.where} has {left} {rows}{after}; at least {_FEWEST_ROWS} are needed")
    if dropped:
        X = np.ascontiguousarray(X[:, keep])
        y = y[keep]
        weights = None if weights is None else weights[keep]
        sigma = None if sigma is None else sigma[keep]
    if np.all(y == y[0]):
        raise DataError(f"the target '{chosen.target}' is {y[0]:g} in every row; there is no law to find")
    return Cells(X, y, weights, sigma, dropped, counts)


def _check_weights(weights: Floats, keep: NDArray[np.bool_], name: str, mean: WeightsMean) -> None:
    bad = np.flatnonzero(keep & (weights < 0))
    if bad.size and mean != "events":
        raise DataError(
            f"weight column '{name}': row {bad[0] + 1} holds {weights[bad[0]]:g}; weights cannot be negative, unless "
            f"they count events: weights_mean='events' (--weights-mean events)"
        )
    if bad.size and not weights[keep].sum() > 0:
        raise DataError(
            f"weight column '{name}': the sum of the event weights is {weights[keep].sum():g}; it must be positive"
        )
    if keep.any() and not weights[keep].any():
        raise DataError(f"weight column '{name}' is zero in every row; at least one weight must be positive")


def _check_sigma(sigma: Floats, keep: NDArray[np.bool_], name: str) -> None:
    bad = np.flatnonzero(keep & (sigma <= 0))
    if bad.size:
        raise DataError(
            f"uncertainty column '{name}': row {bad[0] + 1} holds {sigma[bad[0]]:g}; "
            "uncertainties must be positive"
        )
