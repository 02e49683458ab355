"""Units, roles and descriptions in Arrow's metadata, and in the attrs of a DataFrame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from balmer.data.column import Column, Role
from balmer.errors import DataError
from balmer.units import Unit, parse_unit

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "About",
    "Header",
    "about_of",
    "attrs_of",
    "check_names",
    "column_of",
    "described",
    "from_attrs",
    "header_of",
    "headers_of",
    "is_described",
    "listing",
    "override_units",
]

UnitLike = str | Unit | None

# pandas writes DataFrame.attrs under this key of a Parquet schema and restores them from it.
_PANDAS_ATTRS = b"PANDAS_ATTRS"


@dataclass(frozen=True, slots=True)
class Header:
    """What is written about a column, not yet parsed: a bad unit in a column nobody uses is no error."""

    name: str
    unit: str | None = None
    role: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What is written about a whole table: its name, a description, and where the data come from."""

    name: str = ""
    description: str = ""
    source: str = ""


def headers_of(schema: pa.Schema) -> tuple[Header, ...]:
    """Return what an Arrow schema says about its columns.

    Parameters
    ----------
    schema : pyarrow.Schema
        With ``unit``, ``role`` and ``description`` in the metadata of the fields; what is missing there is
        taken from the attrs that pandas stored. An index stored by pandas has the role ``ignore``.
    """
    _, stored = from_attrs(_pandas_attrs(schema))
    index = _pandas_index(schema)
    headers = []
    for field in schema:
        own = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        other = stored.get(field.name, Header(field.name))
        headers.append(
            Header(
                name=field.name,
                unit=own.get("unit", other.unit),
                role=own.get("role", other.role) or ("ignore" if field.name in index else None),
                description=own.get("description", other.description),
            )
        )
    return tuple(headers)


def is_described(schema: pa.Schema) -> bool:
    """Whether Balmer wrote what an Arrow schema says, so that its names are whole names."""
    return "balmer" in _pandas_attrs(schema)


def about_of(schema: pa.Schema) -> About:
    """Return the name, description and source in an Arrow schema's metadata."""
    stored, _ = from_attrs(_pandas_attrs(schema))
    own = schema.metadata or {}

    def read(key: str, other: str) -> str:
        found = own.get(key.encode())
        return other if found is None else str(found.decode())

    return About(
        name=read("name", stored.name),
        description=read("description", stored.description),
        source=read("source", stored.source),
    )


def described(table: pa.Table, headers: Iterable[Header], about: About) -> pa.Table:
    """Return the table with this metadata, and with all other metadata as it was."""
    import pyarrow as pa

    headers = tuple(headers)
    fields = []
    for field, header in zip(table.schema, headers, strict=True):
        kept = {
            k: v for k, v in (field.metadata or {}).items() if k not in (b"unit", b"role", b"description")
        }
        kept |= {
            key.encode(): value.encode()
            for key, value in (
                ("unit", header.unit),
                ("role", header.role),
                ("description", header.description or None),
            )
            if value is not None
        }
        fields.append(field.with_name(header.name).with_metadata(kept))
    attrs = _pandas_attrs(table.schema) | attrs_of(headers, about)
    metadata = dict(table.schema.metadata or {}) | {_PANDAS_ATTRS: json.dumps(attrs).encode()}
    for key, value in (("name", about.name), ("description", about.description), ("source", about.source)):
        metadata.pop(key.encode(), None)
        if value:
            metadata[key.encode()] = value.encode()
    return pa.table(table.columns, schema=pa.schema(fields, metadata=metadata))


def attrs_of(headers: Iterable[Header], about: About) -> dict[str, Any]:
    """Return JSON-able DataFrame attrs that `from_attrs` reads back."""
    columns = {
        header.name: {
            key: value
            for key, value in (
                ("unit", header.unit),
                ("role", header.role),
                ("description", header.description or None),
            )
            if value is not None
        }
        for header in headers
    }
    about_table = {"name": about.name, "description": about.description, "source": about.source}
    return {"balmer": about_table | {"columns": columns}}


def from_attrs(attrs: Mapping[Any, Any]) -> tuple[About, dict[str, Header]]:
    """Read `attrs_of` back; attrs that somebody else wrote say nothing."""
    stored = attrs.get("balmer")
    if not isinstance(stored, Mapping):
        return About(), {}
    about = About(*(str(stored.get(key, "")) for key in ("name", "description", "source")))
    columns = stored.get("columns")
    headers = {
        str(name): Header(str(name), entry.get("unit"), entry.get("role"), str(entry.get("description", "")))
        for name, entry in (columns.items() if isinstance(columns, Mapping) else ())
        if isinstance(entry, Mapping)
    }
    return about, headers


def column_of(header: Header, role: Role | None = None) -> Column:
    """Parse what is written about a column.

    Parameters
    ----------
    header : Header
        What is written.
    role : Role, optional
        The role to give; otherwise the one that is written, or ``feature``.

    Raises
    ------
    UnitError
        If the unit cannot be read.
    DataError
        If the written role is not one of `Role`.
    """
    unit = None if header.unit is None else parse_unit(header.unit, column=header.name, only_read=True)
    if role is None:
        try:
            role = Role(header.role or "feature")
        except ValueError:
            raise DataError(
                f"column '{header.name}' has the unknown role '{header.role}'; accepted are {', '.join(Role)}"
            ) from None
    return Column(header.name, role, unit, header.description)


def header_of(column: Column) -> Header:
    """Return what to write about a column."""
    unit = None if column.unit is None else column.unit.text
    return Header(column.name, unit, column.role.value, column.description)


def override_units(
    headers: Iterable[Header], units: Mapping[str, UnitLike] | None, where: str
) -> tuple[Header, ...]:
    """Put the user's units in place of the written ones.

    Parameters
    ----------
    headers : iterable of Header
        The columns of the table.
    units : mapping of str to str, Unit or None, optional
        By column name; None takes a written unit away.
    where : str
        The table, for a message.

    Raises
    ------
    DataError
        If a name is not a column.
    """
    headers = tuple(headers)
    units = units or {}
    names = [header.name for header in headers]
    for name in units:
        if name not in names:
            raise DataError(
                f"a unit is given for the column '{name}', which {where} does not have; {listing(names)}"
            )
    texts = {name: unit.text if isinstance(unit, Unit) else unit for name, unit in units.items()}
    return tuple(replace(header, unit=texts.get(header.name, header.unit)) for header in headers)


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse empty and repeated column names.

    Raises
    ------
    DataError
        Naming the column.
    """
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise DataError(
                f"column {position} of {where} has an empty name (pandas writes such a column for an index; "
                "write with index=False); every column needs a name"
            )
        if name in seen:
            raise DataError(f"two columns of {where} are called '{name}'; names must differ")
        seen.add(name)


def listing(names: Iterable[str]) -> str:
    """List columns for a message, cut short where they are many."""
    names = list(names)
    shown = ", ".join(f"'{name}'" for name in names[:20])
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"the columns are {shown}{more}" if names else "there are no columns"


def _pandas_attrs(schema: pa.Schema) -> dict[str, Any]:
    return _json((schema.metadata or {}).get(_PANDAS_ATTRS))


def _pandas_index(schema: pa.Schema) -> frozenset[str]:
    index = _json((schema.metadata or {}).get(b"pandas")).get("index_columns")
    return (
        frozenset(name for name in index if isinstance(name, str)) if isinstance(index, list) else frozenset()
    )


def _json(text: bytes | None) -> dict[str, Any]:
    """Read an object; what is no JSON object was not meant for us."""
    try:
        found = json.loads(text or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
