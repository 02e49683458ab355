"""A physical dimension is a vector of rational exponents over base quantities, and multiplies like one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from balmer.errors import UnitError

__all__ = ["BASE", "DIMENSIONLESS", "Dimension", "Exponent", "as_fraction", "format_power"]

BASE: tuple[str, ...] = ("m", "kg", "s", "A", "K", "mol", "cd", "E")
"""The order of `Dimension.exponents`: the seven SI base units, then energy, which only natural units use."""

Exponent = int | Fraction | float

_LARGEST_DENOMINATOR = 64
# The order in which people write SI units, and the name shown for each base.
_SHOWN = (("kg", 1), ("m", 0), ("s", 2), ("A", 3), ("K", 4), ("mol", 5), ("cd", 6), ("GeV", 7))
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, init=False, repr=False, slots=True)
class Dimension:
    """Exponents over the SI base quantities, and over energy for natural units.

    Parameters
    ----------
    m, kg, s, A, K, mol, cd : int, Fraction or float
        Exponents of length, mass, time, electric current, temperature, amount of substance and luminous
        intensity. A float must equal a fraction with a denominator of at most 64.
    E : int, Fraction or float
        Exponent of energy in natural units (see `to_natural`); never mixed with the others by this package.

    Attributes
    ----------
    exponents : tuple of Fraction
        One exponent for each entry of `BASE`, in that order.

    Raises
    ------
    UnitError
        If an exponent is not a small rational number.

    Examples
    --------
    >>> str(Dimension(m=1, s=-2))
    'm·s⁻²'
    """

    exponents: tuple[Fraction, ...]

    def __init__(
        self,
        *,
        m: Exponent = 0,
        kg: Exponent = 0,
        s: Exponent = 0,
        A: Exponent = 0,
        K: Exponent = 0,
        mol: Exponent = 0,
        cd: Exponent = 0,
        E: Exponent = 0,
    ) -> None:
        object.__setattr__(self, "exponents", tuple(map(as_fraction, (m, kg, s, A, K, mol, cd, E))))

    @classmethod
    def from_mapping(cls, exponents: Mapping[str, Exponent]) -> Dimension:
        """Build a dimension from ``{"m": 1, "s": -2}``.

        Parameters
        ----------
        exponents : mapping of str to exponent
            Keys out of `BASE`; those left out count as 0.

        Raises
        ------
        UnitError
            If a key is not a base unit or an exponent not a small rational number.
        """
        for key in exponents:
            if key not in BASE:
                raise UnitError(f"'{key}' is not a base unit; accepted are {', '.join(BASE)}")
        return cls(**exponents)

    @property
    def is_dimensionless(self) -> bool:
        """Whether every exponent is zero."""
        return not any(self.exponents)

    def distance(self, other: Dimension) -> float:
        """Return the sum of the absolute differences between the exponents of two dimensions."""
        return float(sum(abs(a - b) for a, b in zip(self.exponents, other.exponents, strict=True)))

    def __mul__(self, other: Dimension) -> Dimension:
        if not isinstance(other, Dimension):
            return NotImplemented
        return _of(tuple(a + b for a, b in zip(self.exponents, other.exponents, strict=True)))

    def __truediv__(self, other: Dimension) -> Dimension:
        if not isinstance(other, Dimension):
            return NotImplemented
        return _of(tuple(a - b for a, b in zip(self.exponents, other.exponents, strict=True)))

    def __pow__(self, power: Exponent) -> Dimension:
        exact = as_fraction(power)
        return _of(tuple(a * exact for a in self.exponents))

    def __str__(self) -> str:
        shown = [format_power(name, self.exponents[i]) for name, i in _SHOWN if self.exponents[i]]
        return "·".join(shown) or "1"

    def __repr__(self) -> str:
        shown = (
            f"{name}={power.numerator if power.denominator == 1 else repr(power)}"
            for name, power in zip(BASE, self.exponents, strict=True)
            if power
        )
        return f"Dimension({', '.join(shown)})"


def as_fraction(value: Exponent) -> Fraction:
    """Turn an exponent into an exact fraction.

    Parameters
    ----------
    value : int, Fraction or float
        Integers and fractions are taken as they are; a float must be the nearest float to a fraction with a
        denominator of at most 64, so that 0.5 and 1/3 pass and 0.123 does not.

    Raises
    ------
    UnitError
        If the value is no such number.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int):
        return Fraction(value)
    try:
        exact = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    except (TypeError, ValueError, OverflowError):
        exact = None
    if exact is None or float(exact) != float(value):
        raise UnitError(
            f"the exponent {value!r} is not exact; accepted are integers, Fractions, and floats that equal a "
            f"fraction with a denominator of at most {_LARGEST_DENOMINATOR}"
        )
    return exact


def format_power(symbol: str, power: Fraction) -> str:
    """Write a power for a terminal: ``m²``, ``s⁻²``, ``m^(3/2)``."""
    if power == 1:
        return symbol
    if power.denominator == 1:
        return symbol + str(power.numerator).translate(_SUPERSCRIPT)
    return f"{symbol}^({power})"


def _of(exponents: tuple[Fraction, ...]) -> Dimension:
    """Build a dimension from exponents that are already exact, without checking them again."""
    made = object.__new__(Dimension)
    object.__setattr__(made, "exponents", exponents)
    return made


DIMENSIONLESS = Dimension()
"""The dimension of a pure number."""
