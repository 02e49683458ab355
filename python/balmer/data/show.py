"""How columns look in a terminal and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from balmer.data.column import Column
from balmer.data.numeric import Floats

__all__ = ["SUMMARY", "html_table", "summary_row", "text_table"]

SUMMARY = ("role", "unit", "min", "median", "max", "missing", "description")
"""What a summary says about a column, in this order."""

SummaryRow = tuple[str, str | None, float, float, float, int, str]

_MOST_COLUMNS = 24


def summary_row(column: Column, values: Floats, *, missing: int) -> SummaryRow:
    """Return the entries of `SUMMARY` for one column.

    Parameters
    ----------
    column : Column
        What it is.
    values : numpy.ndarray of float64, shape (n_rows,)
        Its numbers; those that are not finite take no part.
    missing : int
        How many of its cells are missing.
    """
    finite = values[np.isfinite(values)]
    low, middle, high = (np.min(finite), np.median(finite), np.max(finite)) if finite.size else (np.nan,) * 3
    unit = None if column.unit is None else column.unit.text or "1"
    return column.role.value, unit, float(low), float(middle), float(high), missing, column.description


def text_table(title: str, columns: Sequence[Column], rows: Sequence[SummaryRow]) -> str:
    """Lay a summary out in monospace, the title above; columns beyond two dozen are only counted."""
    cells = _cells(columns, rows)
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([title, *lines, *_rest(columns)])


def html_table(title: str, columns: Sequence[Column], rows: Sequence[SummaryRow]) -> str:
    """Lay a summary out for a notebook; every text of the user's is escaped."""
    head, *body = _cells(columns, rows)

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    lines = [line(head, "th"), *(line(row, "td") for row in body)]
    rest = "".join(f"<p>{text.strip()}</p>" for text in _rest(columns))
    return f"<p><b>{html.escape(title)}</b></p><table>{''.join(lines)}</table>{rest}"


def _cells(columns: Sequence[Column], rows: Sequence[SummaryRow]) -> list[tuple[str, ...]]:
    cells: list[tuple[str, ...]] = [("column", "role", "unit", "min", "median", "max", "description")]
    for column, row in list(zip(columns, rows, strict=False))[:_MOST_COLUMNS]:
        role, unit, low, middle, high, _, description = row
        numbers = (f"{value:.6g}" for value in (low, middle, high))
        cells.append((column.name, role, "?" if unit is None else unit, *numbers, description))
    return cells


def _rest(columns: Sequence[Column]) -> list[str]:
    more = len(columns) - _MOST_COLUMNS
    return [f"  and {more} more columns"] if more > 0 else []
