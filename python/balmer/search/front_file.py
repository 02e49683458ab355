"""A Front in a Parquet file: a table to read in pandas, and every law exactly, to go on with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from balmer.data import Column, Role
from balmer.errors import BalmerError, DataError
from balmer.expressions import Expression
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS, OPERATORS_BY_CODE, VARIABLE
from balmer.search.exact import ExactNumber
from balmer.search.front import Front
from balmer.search.law import Constant, Law
from balmer.search.selection import Score
from balmer.units import BASE, Dimension, Unit

__all__ = ["read_front", "write_front"]

_FORMAT = 1
_KEY = b"balmer"  # of the schema's metadata, under which stands what all laws share

# Operators go by name: opcodes are places in a table that grows from version to version.
_LEAVES = {CONSTANT: "constant", LITERAL: "literal", VARIABLE: "variable"}
_NAMES = _LEAVES | {code: entry.name for code, entry in OPERATORS_BY_CODE.items()}
_CODES = {name: code for code, name in _LEAVES.items()} | {name: op.code for name, op in OPERATORS.items()}

_UNIT = pa.struct(
    [("text", pa.string()), ("scale", pa.float64()), ("dimension", pa.string()), ("pure", pa.float64())]
)
_SCHEMA = pa.schema(
    [
        ("complexity", pa.int64()),
        ("constants", pa.int64()),
        ("loss", pa.float64()),
        ("description_length", pa.float64()),
        ("bic", pa.float64()),
        ("aic", pa.float64()),
        ("formula", pa.string()),
        ("latex", pa.string()),
        ("units_hold", pa.bool_()),
        ("origin", pa.string()),
        ("chosen", pa.bool_()),
        ("ops", pa.list_(pa.string())),
        ("args", pa.list_(pa.int16())),
        ("values", pa.list_(pa.float64())),
        ("constant_names", pa.list_(pa.string())),
        ("constant_values", pa.list_(pa.float64())),
        ("constant_errors", pa.list_(pa.float64())),
        ("constant_units", pa.list_(_UNIT)),
        ("covariance", pa.list_(pa.float64())),
        ("exact_values", pa.list_(pa.float64())),
        ("exact_estimates", pa.list_(pa.float64())),
        ("exact_errors", pa.list_(pa.float64())),
        ("exact_implied", pa.list_(pa.bool_())),
    ]
)


@dataclass(frozen=True)
class _Shared:
    """What all laws of a front have in common."""

    features: tuple[Column, ...]
    target: Column
    positive: tuple[bool, ...]


def write_front(front: Front, file: BinaryIO) -> None:
    """Write one row per law.

    The columns up to ``chosen`` are those of `Front.to_pandas`, with every digit of the constants, and LaTeX. The
    rest is the law itself: its postfix program (``ops``, ``args``, ``values``), its constants with their errors and
    units, their covariance row by row, and the exact numbers with what a fit gives for them. Columns of the data are
    described in the file's metadata.
    """
    best = front.best_index if len(front) else -1
    rows = [_row(law) | {"chosen": i == best} for i, law in enumerate(front)]
    shared: dict[str, Any] = {"format": _FORMAT, "base_scale": True}
    if len(front):
        law = front[0]
        shared |= {
            "features": [_column(column) for column in law.features],
            "target": _column(law.target),
            "positive": list(law.positive),
        }
    schema = _SCHEMA.with_metadata({_KEY: json.dumps(shared, ensure_ascii=False).encode()})
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), file)


def read_front(path: Path) -> Front:
    """Read what `write_front` wrote; its laws equal those that were written, bit for bit.

    Raises
    ------
    DataError
        If there is no such file, or it is no front or damaged.
    """
    try:
        table = parquet.read_table(path)
    except FileNotFoundError:
        raise DataError(f"file '{path}' does not exist") from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"file '{path}' is damaged or no Parquet file: {_first_line(error)}") from None
    written = (table.schema.metadata or {}).get(_KEY)
    if written is None:
        raise DataError(f"file '{path}' is no front of laws: it was not written by Balmer")
    try:
        shared = json.loads(written)
        if shared["format"] != _FORMAT:
            raise DataError(
                f"file '{path}' has the format {shared['format']}, this version of Balmer reads {_FORMAT}"
            )
        rows = table.to_pylist()
        if not rows:
            return Front(())
        columns = [_read_column(column) for column in (*shared["features"], shared["target"])]
        if not shared.get("base_scale"):
            columns = [_in_numbers_of_its_own(column) for column in columns]
        common = _Shared(
            features=tuple(columns[:-1]),
            target=columns[-1],
            positive=tuple(shared["positive"]),
        )
        return Front(tuple(_law(row, common) for row in rows))
    except DataError:
        raise
    except (KeyError, TypeError, ValueError, BalmerError) as error:
        raise DataError(f"file '{path}' is damaged: {type(error).__name__}: {_first_line(error)}") from None


def _row(law: Law) -> dict[str, Any]:
    e = law.expression
    return {
        "complexity": law.complexity,
        "constants": len(law.constants),
        "loss": law.loss,
        "description_length": law.score.description_length,
        "bic": law.score.bic,
        "aic": law.score.aic,
        "formula": law.text(digits=None),
        "latex": law.latex(),
        "units_hold": law.units_hold,
        "origin": law.origin,
        "ops": [_NAMES[op] for op in e.ops.tolist()],
        "args": e.args.tolist(),
        "values": e.values.tolist(),
        "constant_names": [constant.name for constant in law.constants],
        "constant_values": [constant.value for constant in law.constants],
        "constant_errors": [constant.error for constant in law.constants],
        "constant_units": [_unit(constant.unit) for constant in law.constants],
        "covariance": law.covariance.ravel().tolist(),
        "exact_values": [number.value for number in law.exact],
        "exact_estimates": [number.estimate for number in law.exact],
        "exact_errors": [number.error for number in law.exact],
        "exact_implied": [number.implied for number in law.exact],
    }


def _law(row: Mapping[str, Any], shared: _Shared) -> Law:
    constants = tuple(
        Constant(name, value, error, _read_unit(unit))
        for name, value, error, unit in zip(
            row["constant_names"],
            row["constant_values"],
            row["constant_errors"],
            row["constant_units"],
            strict=True,
        )
    )
    k = len(constants)
    return Law(
        expression=Expression(
            np.array([_CODES[name] for name in row["ops"]]), np.array(row["args"]), np.array(row["values"])
        ),
        loss=row["loss"],
        complexity=row["complexity"],
        score=Score(row["description_length"], row["bic"], row["aic"]),
        covariance=np.array(row["covariance"], dtype=np.float64).reshape(k, k),
        constants=constants,
        units_hold=row["units_hold"],
        origin=row["origin"],
        features=shared.features,
        target=shared.target,
        positive=shared.positive,
        exact=_exact(row),
    )


def _exact(row: Mapping[str, Any]) -> tuple[ExactNumber, ...]:
    """The exact numbers; a front of an earlier version has none."""
    columns = [row.get(f"exact_{what}") or [] for what in ("values", "estimates", "errors", "implied")]
    return tuple(
        ExactNumber(float(value), float(estimate), float(error), bool(implied))
        for value, estimate, error, implied in zip(*columns, strict=True)
    )


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "role": column.role.value,
        "unit": _unit(column.unit),
        "description": column.description,
    }


def _read_column(entry: Mapping[str, Any]) -> Column:
    return Column(entry["name"], Role(entry["role"]), _read_unit(entry["unit"]), entry["description"])


def _in_numbers_of_its_own(column: Column) -> Column:
    """A column as the formulas of early versions have it, which took degrees for numbers: without such a unit."""
    scaled = column.unit is not None and column.unit.factor != 1.0
    return replace(column, unit=None) if scaled else column


def _unit(unit: Unit | None) -> dict[str, Any] | None:
    """The unit with its size and dimension: the text alone might be read with an error in the last digit."""
    if unit is None:
        return None
    powers = {base: str(p) for base, p in zip(BASE, unit.dimension.exponents, strict=True) if p}
    return {"text": unit.text, "scale": unit.scale, "dimension": json.dumps(powers), "pure": unit.pure}


def _read_unit(entry: Mapping[str, Any] | None) -> Unit | None:
    if entry is None:
        return None
    powers = {base: Fraction(power) for base, power in json.loads(entry["dimension"]).items()}
    pure = entry.get("pure")
    return Unit(
        entry["text"], entry["scale"], Dimension.from_mapping(powers), 1.0 if pure is None else float(pure)
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
