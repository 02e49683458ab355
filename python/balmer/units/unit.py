"""A unit: its text as the user gave it, its size in coherent SI, and its dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from balmer.errors import UnitError
from balmer.units.dimension import Dimension, Exponent, as_fraction
from balmer.units.grammar import Factor, factorise, latex_of, merge, text_of

__all__ = ["Unit"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measurement.

    Parameters
    ----------
    text : str
        The spelling, as the user gave it.
    scale : float
        One of this unit, in the coherent SI unit of its dimension (1 km has 1000).
    dimension : Dimension
        What it measures.
    pure : float
        The part of `scale` that its pure numbers bring in: pi/180 of ``deg`` and of ``deg/s``, 0.01 of ``%/K``.
    refusal : str
        Why no formula can use it, as one sentence (``degC`` has an offset); empty where one can.

    Notes
    -----
    Products, quotients and powers of units combine the texts too, so that a fitted constant is reported in
    the units of the user's own columns: ``day / AU**Fraction(3, 2)`` has the text ``day/AU^(3/2)``.
    """

    text: str
    scale: float
    dimension: Dimension
    pure: float = field(default=1.0, compare=False, repr=False)
    refusal: str = field(default="", compare=False, repr=False)

    @property
    def factor(self) -> float:
        """What a number in this unit is multiplied by before it enters a formula.

        An angle enters in radians and a percentage as a fraction, for that is what functions are of: of a pure number
        this is its scale, of other units the part of it that pure numbers bring in, and else 1.
        """
        return self.scale if self.is_dimensionless else self.pure

    @property
    def is_dimensionless(self) -> bool:
        """Whether the unit is that of a pure number (which may still have a scale, as ``%`` has)."""
        return self.dimension.is_dimensionless

    def latex(self) -> str:
        r"""Return LaTeX for math mode, as ``\mathrm{day}\,\mathrm{AU}^{-3/2}``; empty for a pure number."""
        return latex_of(self._factors())

    def __mul__(self, other: Unit) -> Unit:
        if not isinstance(other, Unit):
            return NotImplemented
        text = _combined(self._factors() + other._factors())
        pure, refusal = self.pure * other.pure, self.refusal or other.refusal
        return Unit(text, self.scale * other.scale, self.dimension * other.dimension, pure, refusal)

    def __truediv__(self, other: Unit) -> Unit:
        if not isinstance(other, Unit):
            return NotImplemented
        inverse = tuple((symbol, -power) for symbol, power in other._factors())
        text = _combined(self._factors() + inverse)
        pure, refusal = self.pure / other.pure, self.refusal or other.refusal
        return Unit(text, self.scale / other.scale, self.dimension / other.dimension, pure, refusal)

    def __pow__(self, power: Exponent) -> Unit:
        exact = as_fraction(power)
        text = _combined([(symbol, old * exact) for symbol, old in self._factors()])
        scale, pure = float(self.scale ** float(exact)), float(self.pure ** float(exact))
        return Unit(text, scale, self.dimension**exact, pure, self.refusal)

    def __str__(self) -> str:
        return self.text

    def _factors(self) -> tuple[Factor, ...]:
        try:
            return factorise(self.text)
        except UnitError:  # a text of the caller's own making counts as one symbol
            return ((self.text, as_fraction(1)),)


def _combined(factors: Sequence[Factor]) -> str:
    return text_of(merge(factors))
