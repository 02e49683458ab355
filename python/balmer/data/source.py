"""A table that is described but not yet read: its columns come one by one, and only those that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from balmer.data.delimited import read_delimited
from balmer.data.heads import read_heads
from balmer.data.metadata import (
    About,
    Header,
    about_of,
    check_names,
    from_attrs,
    headers_of,
    is_described,
)
from balmer.data.quantities import as_quantity, column_unit, split
from balmer.errors import DataError, UnitError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["SUFFIXES", "Source", "arrow_source", "format_of", "open_source", "pandas_source"]

SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "feather",
    ".arrow": "feather",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
}
"""The format of a file, by the ending of its name."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table whose cells are loaded when asked for.

    Parameters
    ----------
    where : str
        What to call it in a message, such as ``file 'a.parquet'``.
    headers : tuple of Header
        What is written about its columns; names differ and none is empty.
    n_rows : int
        Number of rows.
    load : callable
        From a column's name to its cells, a numpy.ndarray or a pyarrow.ChunkedArray of length `n_rows`.
    about : About
        What is written about the whole.
    labels : mapping of str to str
        Further words for columns, such as the whole head ``v [km/s]`` of the column ``v``.
    notes : mapping of str to str
        By column, what was made of its head that the user should know.
    """

    where: str
    headers: tuple[Header, ...]
    n_rows: int
    load: Callable[[str], Any]
    about: About
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_names((header.name for header in self.headers), self.where)

    def named(self, word: str) -> str:
        """The name of the column that is meant by a name or a label."""
        if any(header.name == word for header in self.headers):
            return word
        return self.labels.get(word, word)


def open_source(
    path: str | PathLike[str], *, format: str | None = None, delimiter: str | None = None
) -> Source:
    """Open a file without reading its cells (text files are read whole).

    Parameters
    ----------
    path : path
        The file.
    format : {"parquet", "feather", "csv"}, optional
        By default, what the ending of the name says.
    delimiter : str, optional
        Of a text file; by default found in its first line.

    Raises
    ------
    DataError
        If the file does not exist, is empty, cannot be read, or is not of this format.
    """
    path = Path(path)
    where = f"file '{path}'"
    if not path.exists():
        raise DataError(f"{where} does not exist")
    if not path.is_file():
        raise DataError(f"'{path}' is not a file")
    format = format or format_of(path)
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{where} is empty")
        if format == "parquet":
            return _open_parquet(path, where)
        if format == "feather":
            return _open_feather(path, where)
        text = read_delimited(path, where, delimiter)
        found = arrow_source(text.table, where, name=path.stem)
        return replace(found, labels=text.labels, notes=text.notes)
    except OSError as error:
        raise DataError(f"{where} cannot be read: {error.strerror or error}") from None


def format_of(path: Path) -> str:
    """Return the format that the ending of a file's name stands for.

    Raises
    ------
    DataError
        If the ending is not one of `SUFFIXES`.
    """
    try:
        return SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise DataError(
            f"file '{path}' ends in '{path.suffix}', an unknown format; accepted are {', '.join(SUFFIXES)}"
        ) from None


def arrow_source(table: pa.Table, where: str = "the table", *, name: str = "data") -> Source:
    """Offer a pyarrow table; `name` stands in where its metadata hold none."""
    about = about_of(table.schema)
    headers, labels, notes = _headed(table.schema)
    column = {header.name: place for place, header in enumerate(headers)}

    def load(key: str) -> Any:
        return table.column(column[key])

    return Source(where, headers, table.num_rows, load, _named(about, name), labels, notes)


def pandas_source(frame: pd.DataFrame, where: str = "the DataFrame") -> Source:
    """Offer a DataFrame; its index takes no part.

    Units come from ``attrs["balmer"]``, from columns of quantities (pint-pandas, or cells of pint or astropy), and from
    heads such as ``v [km/s]`` and ``t (s)``.
    """
    about, stored = from_attrs(frame.attrs)
    words = [str(label) for label in frame.columns]
    read, notes = ([Header(word) for word in words], {}) if stored else read_heads(words, strict=False)
    names = [header.name for header in read]
    position = {name: i for i, name in enumerate(names)}

    def load(name: str) -> Any:
        import pyarrow as pa

        series = frame.iloc[:, position[name]]
        if hasattr(series.dtype, "units"):  # of pint-pandas
            return np.asarray(series.array.quantity.magnitude, dtype=np.float64)
        if series.dtype == object and _quantity(series) is not None:
            return split(series.where(series.notna(), None).to_numpy(dtype=object), name)[0]
        if series.dtype == object:
            # Mixed objects have no Arrow type; pandas knows more spellings of "missing" than None.
            return series.astype(object).where(series.notna(), None).to_numpy(dtype=object)
        if getattr(series.dtype, "kind", "") in "fiubc" and not hasattr(series.array, "_mask"):
            return series.to_numpy()
        return pa.chunked_array([pa.array(series, from_pandas=True)])

    headers = []
    for i, header in enumerate(read):
        header, unit = stored.get(header.name, header), _unit_of_cells(frame.iloc[:, i])
        headers.append(header if unit is None else replace(header, unit=unit))
    labels = dict(zip(words, names, strict=True))
    return Source(where, tuple(headers), len(frame), load, _named(about, "data"), labels, notes)


def _unit_of_cells(series: pd.Series) -> str | None:
    """The unit that the cells of a column bring, as text; one that cannot be read is refused when it is used."""
    unit = getattr(series.dtype, "units", None)
    if unit is None and series.dtype == object:
        first = _quantity(series)
        unit = None if first is None else getattr(first, "unit", getattr(first, "units", None))
    if unit is None:
        return None
    try:
        return column_unit(unit, str(series.name))
    except UnitError:
        return str(unit)


def _quantity(series: pd.Series) -> Any:
    """The first cell that is a quantity, if the first cell that is there is one."""
    first = next(iter(series[series.notna()].head(1)), None)
    return first if first is not None and as_quantity(first) else None


def _open_parquet(path: Path, where: str) -> Source:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{where} is not a Parquet file: {_first_line(error)}") from None
    schema = file.schema_arrow

    def load(name: str) -> Any:
        return _loaded(lambda: file.read(columns=[label_of[name]]), label_of[name], where)

    headers, labels, notes = _headed(schema)
    label_of = {header.name: own for header, own in zip(headers, schema.names, strict=True)}
    about = _named(about_of(schema), path.stem)
    return Source(where, headers, file.metadata.num_rows, load, about, labels, notes)


def _open_feather(path: Path, where: str) -> Source:
    import pyarrow as pa

    def reader(fields: list[int] | None = None) -> Any:
        options = pa.ipc.IpcReadOptions(included_fields=fields)
        return pa.ipc.open_file(pa.memory_map(str(path)), options=options)

    try:
        schema = reader().schema
        first = reader([0] if len(schema) else None)  # a batch tells its length only when it is read
        n_rows = sum(first.get_batch(i).num_rows for i in range(first.num_record_batches))
    except pa.ArrowInvalid as error:
        raise DataError(f"{where} is not a Feather (Arrow IPC) file: {_first_line(error)}") from None

    def load(name: str) -> Any:
        place = schema.get_field_index(label_of[name])
        return _loaded(lambda: reader([place]).read_all(), label_of[name], where)

    headers, labels, notes = _headed(schema)
    label_of = {header.name: own for header, own in zip(headers, schema.names, strict=True)}
    return Source(where, headers, n_rows, load, _named(about_of(schema), path.stem), labels, notes)


def _headed(schema: pa.Schema) -> tuple[tuple[Header, ...], dict[str, str], dict[str, str]]:
    """What a schema says of its columns, with units out of their names where nobody wrote metadata; labels; notes."""
    headers = headers_of(schema)
    if is_described(schema):
        return headers, {}, {}
    read, notes = read_heads([header.name for header in headers], strict=False)
    own = [
        header if header.unit is not None or header.role is not None else found
        for header, found in zip(headers, read, strict=True)
    ]
    return tuple(own), {h.name: o.name for h, o in zip(headers, own, strict=True)}, notes


def _loaded(read: Callable[[], Any], name: str, where: str) -> Any:
    import pyarrow as pa

    try:
        return read().column(name)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataError(f"column '{name}' of {where} cannot be read: {_first_line(error)}") from None


def _named(about: About, name: str) -> About:
    return About(about.name or name, about.description, about.source)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
