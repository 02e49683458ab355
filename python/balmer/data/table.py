"""Tables on disk: read, give units and roles, describe and write, where no target need be known."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from balmer.data.column import Column, Role
from balmer.data.delimited import write_delimited
from balmer.data.metadata import (
    About,
    UnitLike,
    about_of,
    column_of,
    described,
    headers_of,
    listing,
    override_units,
)
from balmer.data.numeric import is_numeric, to_float64
from balmer.data.show import SUMMARY, summary_row
from balmer.data.source import format_of, open_source
from balmer.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["annotate", "apply_units", "columns_of", "describe_table", "read_table", "write_table"]


def read_table(
    path: str | PathLike[str],
    *,
    units: Mapping[str, UnitLike] | None = None,
    format: str | None = None,
    delimiter: str | None = None,
) -> pa.Table:
    """Read a whole file as an Arrow table with ``unit``, ``role`` and ``description`` in its field metadata.

    Parameters
    ----------
    path : path
        Parquet, Feather, CSV, TSV or text; see `Dataset.from_file`.
    units : mapping of str to str or Unit, optional
        Units by column name, in place of those in the file.
    format, delimiter : str, optional
        As for `Dataset.from_file`.

    Raises
    ------
    DataError
        If the file cannot be read as such a table.
    UnitError
        If a unit in the file or in `units` cannot be read.
    """
    import pyarrow as pa

    source = open_source(path, format=format, delimiter=delimiter)
    names = [header.name for header in source.headers]
    table = pa.table([source.load(name) for name in names], names=names)
    units = {source.named(key): unit for key, unit in (units or {}).items()}
    headers = override_units(source.headers, units, source.where)
    for header in headers:
        column_of(header)  # refuses what cannot be read
    return described(table, headers, source.about)


def write_table(table: pa.Table, path: str | PathLike[str], *, format: str | None = None) -> None:
    """Write a table with its metadata; a file of that name is replaced at once or not at all.

    Parameters
    ----------
    table : pyarrow.Table
        As `read_table` returns it. Text files keep names and units only.
    path : path
        Its ending says the format.
    format : {"parquet", "feather", "csv"}, optional
        Overrides the ending.

    Raises
    ------
    DataError
        If the ending is unknown or the file cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    path = Path(path)
    format = format or format_of(path)
    table = described(table, headers_of(table.schema), about_of(table.schema))
    # Beside the file, so that replacing stays on one file system and is atomic.
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with unfinished.open("xb") as file:
            if format == "parquet":
                parquet.write_table(table, file)
            elif format == "feather":
                _write_feather(table, file)
            else:
                write_delimited(table, file, "," if path.suffix.lower() == ".csv" else "\t")
        unfinished.replace(path)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"file '{path}' cannot be written: {reason}") from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def apply_units(table: pa.Table, units: Mapping[str, UnitLike]) -> pa.Table:
    """Return the table with these units in its metadata; None takes a unit away. See `annotate`."""
    return annotate(table, units=units)


def annotate(
    table: pa.Table,
    *,
    units: Mapping[str, UnitLike] | None = None,
    roles: Mapping[str, Role | str] | None = None,
    descriptions: Mapping[str, str] | None = None,
    name: str | None = None,
    description: str | None = None,
    source: str | None = None,
) -> pa.Table:
    """Return the table with this in its metadata, and the rest of them as it was.

    Parameters
    ----------
    table : pyarrow.Table
        Any table.
    units : mapping of str to str, Unit or None, optional
        By column name; None takes a unit away.
    roles, descriptions : mapping of str to str, optional
        By column name.
    name, description, source : str, optional
        Of the table.

    Raises
    ------
    DataError
        If a name is not a column or a role not one of `Role`.
    UnitError
        If a unit cannot be read.
    """
    headers = override_units(headers_of(table.schema), units, "the table")
    by_name = {header.name: header for header in headers}
    for what, entries in (("role", roles), ("description", descriptions)):
        for key, text in (entries or {}).items():
            if key not in by_name:
                raise DataError(f"a {what} is given for '{key}', which is no column; {listing(by_name)}")
            changed = {"role": str(text)} if what == "role" else {"description": text}
            by_name[key] = replace(by_name[key], **changed)
    for key in {**(units or {}), **(roles or {})}:
        column_of(by_name[key])  # refuses what cannot be read
    old = about_of(table.schema)
    about = About(
        name=old.name if name is None else name,
        description=old.description if description is None else description,
        source=old.source if source is None else source,
    )
    return described(table, by_name.values(), about)


def columns_of(table: pa.Table) -> tuple[Column, ...]:
    """Return the columns of a table, with their units read.

    Raises
    ------
    UnitError
        If a unit cannot be read.
    DataError
        If a role is unknown.
    """
    return tuple(column_of(header) for header in headers_of(table.schema))


def describe_table(table: pa.Table) -> pd.DataFrame:
    """Summarise each column: role, unit, minimum, median, maximum, missing cells, description.

    Returns
    -------
    pandas.DataFrame
        Indexed by column name. Minimum, median and maximum are NaN for what is not numeric.
    """
    import pandas as pd

    rows = [
        summary_row(column, _numbers(cells, column.name), missing=_missing(cells))
        for column, cells in zip(columns_of(table), table.columns, strict=True)
    ]
    names = pd.Index(table.column_names, name="column")
    return pd.DataFrame(rows, columns=list(SUMMARY), index=names)


def _numbers(cells: Any, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return to_float64(cells, name) if is_numeric(cells) else np.empty(0)


def _missing(cells: Any) -> int:
    if is_numeric(cells):
        return int(np.count_nonzero(~np.isfinite(to_float64(cells, ""))))
    return int(cells.null_count)


def _write_feather(table: pa.Table, file: BinaryIO) -> None:
    import pyarrow as pa

    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(file, table.schema, options=options) as writer:
        # Arrow sets memory aside for a whole batch even to read one column of it: keep batches short.
        writer.write_table(table, max_chunksize=65_536)
