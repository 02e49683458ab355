"""A hash that tells whether two tables hold the same numbers under the same names and units."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import numpy as np

from balmer.data.column import Column
from balmer.data.numeric import Floats

__all__ = ["fingerprint"]


def fingerprint(columns: Iterable[tuple[Column, Floats]], weights_mean: str = "precision") -> str:
    """Hash names, roles, units and cells; descriptions do not count.

    Parameters
    ----------
    columns : iterable of (Column, numpy.ndarray of float64, shape (n_rows,))
        In their order, which counts.
    weights_mean : str
        What the weights are, see `Dataset`.

    Returns
    -------
    str
        SHA-256 in hexadecimal, the same in every process and on every machine.
    """
    digest = hashlib.sha256()
    for column, values in columns:
        unit = None if column.unit is None else column.unit.text
        head = json.dumps([column.name, column.role.value, unit, len(values)])
        digest.update(head.encode())
        # Little-endian whatever the machine, so that the hash travels.
        digest.update(np.ascontiguousarray(values, dtype="<f8").data)
    if weights_mean != "precision":
        digest.update(weights_mean.encode())
    return digest.hexdigest()
