"""`balmer data`: what is in a table, and the same table in another format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from balmer.cli.settings import assignments
from balmer.errors import ConfigError

__all__ = ["convert_command", "describe_command", "print_about"]


def describe_command(path: Path, units: Sequence[str]) -> None:
    """Print name, origin and columns of a table.

    Raises
    ------
    BalmerError
        If it cannot be read, or a unit is unknown.
    """
    from balmer.data import describe_table, read_table

    table = read_table(path, units=assignments(units, "--units", "a=AU"))
    summary = describe_table(table)
    console = Console()
    print_about(console, path)
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", show_edge=False)
    for head in ("column", "role", "unit"):
        shown.add_column(head, overflow="fold")
    with_missing = bool(summary["missing"].any())
    for head in ("min", "median", "max", *(["missing"] if with_missing else [])):
        shown.add_column(head, justify="right", no_wrap=True)
    with_words = bool(summary["description"].any())
    if with_words:
        shown.add_column("description", overflow="fold", ratio=1)
    for name, row in summary.iterrows():
        known = row["unit"] is not None and row["unit"] == row["unit"]
        cells = [str(name), row["role"], row["unit"] if known else "?"]
        cells += ["-" if row[head] != row[head] else f"{row[head]:.6g}" for head in ("min", "median", "max")]
        cells += [str(row["missing"])] if with_missing else []
        cells += [row["description"]] if with_words else []
        shown.add_row(*(Text(cell) for cell in cells))
    console.print(shown)


def print_about(console: Console, path: Path) -> None:
    """What a file says of itself: its name and description, and where the data come from.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    from balmer.data.source import open_source

    source = open_source(path)
    about = source.about
    console.print(Text.assemble((about.name, "bold"), f", {source.n_rows:,} rows"))
    for text in (about.description, about.source and f"Source: {about.source}"):
        if text:
            console.print(Text(text, style="dim"))
    for note in source.notes.values():
        console.print(Text(f"Note: {note}.", style="yellow"))


def convert_command(
    source: Path,
    destination: Path,
    units: Sequence[str],
    target: str | None,
    descriptions: Sequence[str],
    overwrite: bool,
) -> None:
    """Write a table in the format that the ending of the new name says.

    Raises
    ------
    BalmerError
        If it cannot be read or written, a column or unit is unknown, or the new file exists.
    """
    from balmer.data import annotate, columns_of, read_table, write_table
    from balmer.data.source import format_of

    format_of(destination)
    if destination.exists() and not overwrite:
        raise ConfigError(f"file '{destination}' exists already; choose another name or give --overwrite")
    table = read_table(source, units=assignments(units, "--units", "a=AU"))
    meanings: dict[str, str] = {}
    for text in descriptions:
        name, equals, meaning = text.partition("=")
        if not equals:
            raise ConfigError(
                f"option --description = '{text}': accepted is COLUMN=TEXT, such as \"a=semi-major axis\""
            )
        meanings[name.strip()] = meaning.strip()
    roles = {} if target is None else _roles(table, target)
    table = annotate(table, roles=roles, descriptions=meanings)
    write_table(table, destination)
    with_units = sum(column.unit is not None for column in columns_of(table))
    print(
        f"Wrote {destination}: {table.num_rows:,} rows, {table.num_columns} columns, {with_units} with a unit."
    )


def _roles(table: Any, target: str) -> dict[str, str]:
    """The new target; the one that was it becomes a feature."""
    from balmer.data import Role, columns_of

    old = {column.name: "feature" for column in columns_of(table) if column.role is Role.TARGET}
    return old | {target: "target"}
