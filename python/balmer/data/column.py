"""A column of a table: its name, what it is for, its unit, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from balmer.units import Unit

__all__ = ["Column", "Role"]


class Role(StrEnum):
    """What a column is for."""

    TARGET = "target"
    FEATURE = "feature"
    WEIGHT = "weight"
    UNCERTAINTY = "uncertainty"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Column:
    """A named column.

    Parameters
    ----------
    name : str
        Any text but an empty one; it is never parsed.
    role : Role
        What the column is for.
    unit : Unit or None
        None where the unit is not known; a pure number has a dimensionless unit.
    description : str
        What it means, in words.
    """

    name: str
    role: Role = Role.FEATURE
    unit: Unit | None = None
    description: str = ""

    @property
    def label(self) -> str:
        """The name with its unit in brackets, ``v [km/s]``; the name alone where there is no unit to show."""
        return f"{self.name} [{self.unit}]" if self.unit is not None and self.unit.text else self.name
