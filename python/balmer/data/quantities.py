"""Arrays that carry a unit, of astropy, pint or unyt, known by what they offer and never imported here."""

from __future__ import annotations

from typing import Any

import numpy as np

from balmer.errors import UnitError
from balmer.units import BASE, Dimension, Unit, parse_unit

__all__ = ["as_quantity", "column_unit", "split"]

_AGREE = 1e-6  # relative difference of two values of one unit: constants differ by CODATA's year


def as_quantity(values: Any) -> bool:
    """Whether something is a number or an array with a unit."""
    kind = type(values)
    if kind.__module__.split(".")[0] in ("pandas", "pyarrow", "builtins"):
        return False
    # On the class, so that a column called 'unit' of somebody's table is not meant.
    has_unit = hasattr(kind, "unit") or hasattr(kind, "units")
    return has_unit and (hasattr(kind, "value") or hasattr(kind, "magnitude"))


def split(values: Any, column: str) -> tuple[Any, str | None]:
    """Numbers, and the text of their unit; the values themselves, and None, where they have none.

    A list or an object array of quantities is brought to the unit of its first.

    Raises
    ------
    UnitError
        If the unit cannot be read, or the quantities of a list do not measure the same.
    """
    if as_quantity(values):
        unit = _unit_of(values)
        return _numbers(values), None if unit is None else column_unit(unit, column)
    if isinstance(values, np.ndarray) and values.dtype == object:
        cells: Any = values.tolist() if values.ndim == 1 else None
    else:
        cells = values if isinstance(values, list | tuple) else None
    first = next((cell for cell in cells or () if as_quantity(cell)), None)
    if first is None or cells is None:
        return values, None
    unit = _unit_of(first)
    try:
        # A bare number among quantities has no unit that could be meant.
        numbers = [np.nan if cell is None else float(_numbers(cell.to(unit))) for cell in cells]
    except Exception as error:
        raise UnitError(
            f"column '{column}' holds quantities that do not all measure the same: {str(error).splitlines()[0]}"
        ) from None
    return np.array(numbers), column_unit(unit, column)


def column_unit(unit: Any, column: str) -> str:
    """The text of a unit of another package, which reads here as what it is there.

    Raises
    ------
    UnitError
        If it is none of a formula's quantities.
    """
    meant = _meant(unit)
    for text in _texts(unit):
        try:
            read = parse_unit(text, only_read=True)
        except UnitError:
            continue
        if meant is None or (
            read.dimension == meant.dimension and abs(read.scale / meant.scale - 1.0) < _AGREE
        ):
            return text
    if meant is not None:
        bases = "*".join(
            f"{base}^({power})" for base, power in zip(BASE, meant.dimension.exponents, strict=True) if power
        )
        return bases if bases and meant.scale == 1.0 else f"{meant.scale!r} {bases}".strip()
    raise UnitError(f"column '{column}': the unit '{unit}' cannot be read; give it with units={{...}}")


def _texts(unit: Any) -> list[str]:
    """Spellings of a unit, the short ones first."""
    if hasattr(unit, "dimensionality"):  # pint
        long = str(unit)
        short = format(unit, "~C")
        try:
            a, b = parse_unit(short, only_read=True), parse_unit(long, only_read=True)
        except UnitError:
            return [long, short]
        # 'ct' is the carat there; the whole word cannot be taken for another.
        same = a.dimension == b.dimension and abs(a.scale / b.scale - 1.0) < _AGREE
        return [short, long] if same else [long]
    return [str(unit)]


def _meant(unit: Any) -> Unit | None:
    """The unit in SI, by the package it is of; None where that does not say."""
    try:
        si = unit.decompose()  # astropy
        powers = {base.name: power for base, power in zip(si.bases, si.powers, strict=True)}
        if any(name not in (*BASE[:-1], "g", *_COUNTED) for name in powers):
            return None  # 'mag' is -0.4 dex there
        grams = float(powers.pop("g", 0))
        if grams:
            powers["kg"] = powers.get("kg", 0) + grams
        exponents = {name: power for name, power in powers.items() if name in BASE}
        return Unit("", float(si.scale) * 1e-3**grams, Dimension.from_mapping(exponents))
    except Exception:  # another package, or a logarithmic unit
        return None


_COUNTED = frozenset(
    {"rad", "ct", "ph", "photon", "pix", "vox", "electron", "bit", "bin", "chan", "adu", "DN", "beam"}
)


def _unit_of(values: Any) -> Any:
    return getattr(values, "unit", None) if hasattr(type(values), "unit") else values.units


def _numbers(values: Any) -> Any:
    return values.magnitude if hasattr(type(values), "magnitude") else values.value
