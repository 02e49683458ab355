"""A table that is described but not yet read: its columns come one by one, and only those that are wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from balmer.data.delimited import read_delimited
from balmer.data.metadata import About, Header, about_of, check_names, from_attrs, headers_of
from balmer.errors import DataError

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
    """

    where: str
    headers: tuple[Header, ...]
    n_rows: int
    load: Callable[[str], Any]
    about: About

    def __post_init__(self) -> None:
        check_names((header.name for header in self.headers), self.where)


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
        return arrow_source(read_delimited(path, where, delimiter), where, name=path.stem)
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
    return Source(where, headers_of(table.schema), table.num_rows, table.column, _named(about, name))


def pandas_source(frame: pd.DataFrame, where: str = "the DataFrame") -> Source:
    """Offer a DataFrame; its index takes no part, and units come from ``attrs["balmer"]``."""
    about, stored = from_attrs(frame.attrs)
    names = [str(label) for label in frame.columns]
    position = {name: i for i, name in enumerate(names)}

    def load(name: str) -> Any:
        import pyarrow as pa

        series = frame.iloc[:, position[name]]
        if series.dtype == object:
            # Mixed objects have no Arrow type; pandas knows more spellings of "missing" than None.
            return series.astype(object).where(series.notna(), None).to_numpy(dtype=object)
        if getattr(series.dtype, "kind", "") in "fiubc" and not hasattr(series.array, "_mask"):
            return series.to_numpy()
        return pa.chunked_array([pa.array(series, from_pandas=True)])

    headers = tuple(stored.get(name, Header(name)) for name in names)
    return Source(where, headers, len(frame), load, _named(about, "data"))


def _open_parquet(path: Path, where: str) -> Source:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{where} is not a Parquet file: {_first_line(error)}") from None
    schema = file.schema_arrow

    def load(name: str) -> Any:
        return _loaded(lambda: file.read(columns=[name]), name, where)

    return Source(
        where, headers_of(schema), file.metadata.num_rows, load, _named(about_of(schema), path.stem)
    )


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
        field = schema.get_field_index(name)
        return _loaded(lambda: reader([field]).read_all(), name, where)

    return Source(where, headers_of(schema), n_rows, load, _named(about_of(schema), path.stem))


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
