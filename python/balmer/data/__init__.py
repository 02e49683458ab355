"""Tables with names, roles and units: read, check, describe and write them."""

from balmer.data.column import Column, Role
from balmer.data.dataset import Dataset
from balmer.data.digits import Digits, digits_of, rounding
from balmer.data.function import Bounds, Box, author_named, evaluator, finite, ordered, sample_function
from balmer.data.table import (
    annotate,
    apply_units,
    columns_of,
    describe_table,
    read_table,
    write_table,
)

__all__ = [
    "Bounds",
    "Box",
    "Column",
    "Dataset",
    "Digits",
    "Role",
    "annotate",
    "apply_units",
    "author_named",
    "columns_of",
    "describe_table",
    "digits_of",
    "evaluator",
    "finite",
    "ordered",
    "read_table",
    "rounding",
    "sample_function",
    "write_table",
]
