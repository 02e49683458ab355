"""Tables with names, roles and units: read, check, describe and write them."""

from balmer.data.column import Column, Role
from balmer.data.dataset import Dataset
from balmer.data.table import (
    annotate,
    apply_units,
    columns_of,
    describe_table,
    read_table,
    write_table,
)

__all__ = [
    "Column",
    "Dataset",
    "Role",
    "annotate",
    "apply_units",
    "columns_of",
    "describe_table",
    "read_table",
    "write_table",
]
