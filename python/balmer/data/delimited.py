"""Text tables: CSV, TSV and blank-separated columns, with units in the header as ``v [km/s]``."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from balmer.data.heads import looks_like_unit, read_heads
from balmer.data.metadata import About, check_names, described, headers_of
from balmer.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TextTable", "read_delimited", "write_delimited"]

_BLANKS = "blanks"
_LABEL = re.compile(r"[^\s\[]\S*(?:\s+\[[^\]]*\])?")
_LABEL_WITH_PARENTHESES = re.compile(r"[^\s\[(]\S*(?:\s+(?:\[[^\]]*\]|\([^)]*\)))?")


@dataclass(frozen=True, slots=True)
class TextTable:
    """A text table: its columns, the labels by which they are known beside their names, and notes by name."""

    table: pa.Table
    labels: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def read_delimited(path: Path, where: str, delimiter: str | None = None) -> TextTable:
    """Read a text table whose first line names the columns, each with its unit in brackets or without.

    Square brackets always hold a unit; parentheses do where it can be read, else they stay part of the name.

    Parameters
    ----------
    path : Path
        The file, in UTF-8. ``.tsv`` is split at tabs, ``.csv`` at commas (or semicolons, if there are no
        commas), anything else at what its first line holds: tabs, semicolons, commas, or else blanks.
    where : str
        What to call it in a message.
    delimiter : str, optional
        A single character that overrides this.

    Raises
    ------
    DataError
        If the file is no such table.
    """
    import pyarrow as pa

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise DataError(f"{where} is not UTF-8 text; save it as UTF-8") from None
    if delimiter is not None and len(delimiter) != 1:
        raise DataError(f"delimiter '{delimiter}' is not a single character")
    delimiter = delimiter or _delimiter(path, first)
    try:
        table = _read_blanks(path, first) if delimiter == _BLANKS else _read(path, delimiter)
    except (pa.ArrowInvalid, ValueError) as error:
        raise DataError(f"{where} is not a table of text: {str(error).splitlines()[0]}") from None
    headers, notes = read_heads(table.column_names, strict=True)
    check_names((header.name for header in headers), where)
    labels = {label.strip(): header.name for label, header in zip(table.column_names, headers, strict=True)}
    return TextTable(described(table, headers, About()), labels, notes)


def write_delimited(table: pa.Table, file: BinaryIO, delimiter: str = ",") -> None:
    """Write a table with a header such as ``v [km/s]``; roles and descriptions have no place in it.

    Raises
    ------
    DataError
        If a column's name holds a line break.
    """
    from pyarrow import csv as arrow_csv

    labels = []
    for header in headers_of(table.schema):
        if "\n" in header.name or "\r" in header.name:
            raise DataError(
                f"column {header.name!r} holds a line break, which a text table cannot; use Parquet"
            )
        unit = header.unit
        if unit is None and looks_like_unit(header.name):
            unit = ""  # 'a [b] []': the brackets of the name are not a unit
        elif unit is not None:
            unit = unit or "1"
        labels.append(header.name if unit is None else f"{header.name} [{unit}]")
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(labels)
    file.write(line.getvalue().encode())
    options = arrow_csv.WriteOptions(include_header=False, delimiter=delimiter)
    arrow_csv.write_csv(table, file, options)


def _delimiter(path: Path, first: str) -> str:
    suffix = path.suffix.lower()
    if suffix == ".tsv":
        return "\t"
    if suffix == ".csv":
        return ";" if ";" in first and "," not in first else ","
    return next((mark for mark in "\t;," if mark in first), _BLANKS)


def _read(path: Path, delimiter: str) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    parsing = arrow_csv.ParseOptions(delimiter=delimiter)
    missing = arrow_csv.ConvertOptions(strings_can_be_null=True)
    try:
        return arrow_csv.read_csv(path, parse_options=parsing, convert_options=missing)
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
    # Types are guessed from the first block; a later one does not fit (1 ... 2 ... 2.5, or a stray word).
    with arrow_csv.open_csv(path, parse_options=parsing) as reader:
        names = reader.schema.names
    text = arrow_csv.ConvertOptions(strings_can_be_null=True, column_types=dict.fromkeys(names, pa.string()))
    table = arrow_csv.read_csv(path, parse_options=parsing, convert_options=text)
    return pa.table([_guessed(column) for column in table.columns], names=names)


def _guessed(column: Any) -> Any:
    import pyarrow as pa

    for kind in (pa.int64(), pa.float64()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column


def _read_blanks(path: Path, first: str) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    labels = _LABEL.findall(first)
    frame = pd.read_csv(path, sep=r"\s+", skiprows=1, header=None, encoding="utf-8-sig")
    if len(frame.columns) != len(labels):  # 't (s)' is one label where there are as many columns
        labels = _LABEL_WITH_PARENTHESES.findall(first)
    if len(frame.columns) != len(labels):
        labels = _LABEL.findall(first)
        raise ValueError(f"its first line names {len(labels)} columns, its rows have {len(frame.columns)}")
    return pa.table([pa.array(frame[i], from_pandas=True) for i in frame.columns], names=labels)
