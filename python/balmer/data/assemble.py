"""From a table and the user's wishes to the fields of a Dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

from balmer.data.cells import Missing, WeightsMean, read_cells
from balmer.data.column import Column, Role
from balmer.data.metadata import UnitLike, column_of, override_units
from balmer.data.numeric import Floats
from balmer.data.select import select
from balmer.data.source import Source
from balmer.errors import DataError, UnitError

__all__ = ["Fields", "Options", "assemble"]


class Options(TypedDict, total=False):
    """What every constructor of a `Dataset` from a table accepts; see `Dataset.from_file`."""

    features: Sequence[str] | None
    weights: str | None
    sigma: str | None
    units: Mapping[str, UnitLike] | None
    descriptions: Mapping[str, str] | None
    missing: Missing
    weights_mean: WeightsMean
    name: str | None
    description: str | None
    source: str | None


class Fields(TypedDict):
    """The fields of a `Dataset`."""

    X: Floats
    y: Floats
    weights: Floats | None
    sigma: Floats | None
    features: tuple[Column, ...]
    target: Column
    weight_column: Column | None
    sigma_column: Column | None
    name: str
    description: str
    source: str
    dropped_rows: int
    missing: Mapping[str, int]
    notes: tuple[str, ...]
    weights_mean: WeightsMean


def assemble(
    table: Source,
    target: str | None,
    *,
    features: Sequence[str] | None = None,
    weights: str | None = None,
    sigma: str | None = None,
    units: Mapping[str, UnitLike] | None = None,
    descriptions: Mapping[str, str] | None = None,
    missing: Missing = "error",
    weights_mean: WeightsMean = "precision",
    name: str | None = None,
    description: str | None = None,
    source: str | None = None,
) -> Fields:
    """Choose the columns of a table, read their units and then their cells.

    Raises
    ------
    DataError, UnitError
        See `Dataset.from_file`.
    """
    target, weights, sigma = (None if w is None else table.named(w) for w in (target, weights, sigma))
    if features is not None:
        features = [table.named(w) for w in ([features] if isinstance(features, str) else features)]
    chosen = select(table, target, features, weights, sigma)
    units = {table.named(key): unit for key, unit in (units or {}).items()}
    overridden = override_units(table.headers, units, table.where)
    headers = {header.name: header for header in overridden}
    for key, text in (descriptions or {}).items():
        key = table.named(key)
        if key not in headers:
            raise DataError(f"a description is given for '{key}', a column that {table.where} does not have")
        headers[key] = replace(headers[key], description=text)

    def column(key: str, role: Role) -> Column:
        return column_of(headers[key], role)

    of_features = tuple(column(key, Role.FEATURE) for key in chosen.features)
    of_target = column(chosen.target, Role.TARGET)
    of_weights = None if chosen.weights is None else column(chosen.weights, Role.WEIGHT)
    of_sigma = None if chosen.sigma is None else column(chosen.sigma, Role.UNCERTAINTY)
    to_target = 1.0 if of_sigma is None else _in_units_of(of_target, of_sigma)
    cells = read_cells(table, chosen, missing, weights_mean)
    in_target_units = cells.sigma
    if in_target_units is not None and to_target != 1.0:
        in_target_units = in_target_units * to_target
    return Fields(
        X=cells.X,
        y=cells.y,
        weights=cells.weights,
        sigma=in_target_units,
        features=of_features,
        target=of_target,
        weight_column=of_weights,
        sigma_column=None if of_sigma is None else replace(of_sigma, unit=of_target.unit),
        name=table.about.name if name is None else name,
        description=table.about.description if description is None else description,
        source=table.about.source if source is None else source,
        dropped_rows=cells.dropped_rows,
        missing=cells.missing,
        notes=tuple(table.notes[c.name] for c in (*of_features, of_target) if c.name in table.notes),
        weights_mean=weights_mean,
    )


def _in_units_of(target: Column, sigma: Column) -> float:
    """Return what to multiply uncertainties by to have them in the target's unit."""
    if target.unit is None or sigma.unit is None or target.unit.text == sigma.unit.text:
        return 1.0
    if target.unit.dimension != sigma.unit.dimension:
        raise UnitError(
            f"the uncertainty '{sigma.name}' has the unit '{sigma.unit}', which does not measure what the "
            f"target '{target.name}' does, '{target.unit}'"
        )
    return sigma.unit.scale / target.unit.scale
