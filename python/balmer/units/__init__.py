"""Dimensions with rational exponents, units read by pint, natural units and dimensionless groups."""

from balmer.units.dimension import BASE, DIMENSIONLESS, Dimension, Exponent
from balmer.units.natural import natural_dimension, natural_scale, natural_unit, to_natural
from balmer.units.parse import base_unit, parse_unit
from balmer.units.pi import pi_groups, solve_powers
from balmer.units.unit import Unit

__all__ = [
    "BASE",
    "DIMENSIONLESS",
    "Dimension",
    "Exponent",
    "Unit",
    "base_unit",
    "natural_dimension",
    "natural_scale",
    "natural_unit",
    "parse_unit",
    "pi_groups",
    "solve_powers",
    "to_natural",
]
