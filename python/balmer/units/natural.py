"""Natural units: with ħ = c = k_B = ε₀ = 1 every dimension is a power of energy, counted in GeV."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

from balmer.errors import UnitError
from balmer.units.dimension import BASE, Dimension
from balmer.units.unit import Unit

__all__ = ["natural_dimension", "natural_scale", "to_natural"]

# Powers of energy of the base units: a length is ħc/E, a time ħ/E, a mass E/c², a temperature E/k_B; a charge
# is a pure number (Heaviside-Lorentz, ε₀ = 1), so a current is an inverse time.
_POWER_OF_ENERGY = {"m": -1, "kg": 1, "s": -1, "A": 1, "K": 1, "E": 1}


def natural_dimension(quantity: Dimension | Unit) -> Fraction:
    """Return the power of energy of a dimension in natural units: 1 for a mass, -2 for a cross section.

    Parameters
    ----------
    quantity : Dimension or Unit
        Made of length, mass, time, current and temperature (and energy, if it is already natural).

    Raises
    ------
    UnitError
        If it holds an amount of substance or a luminous intensity, which no constant ties to energy.
    """
    dimension = quantity.dimension if isinstance(quantity, Unit) else quantity
    total = Fraction(0)
    for base, power in zip(BASE, dimension.exponents, strict=True):
        if power and base not in _POWER_OF_ENERGY:
            raise UnitError(f"'{dimension}' has no natural unit: '{base}' is no power of energy")
        total += power * _POWER_OF_ENERGY.get(base, 0)
    return total


def to_natural(dimension: Dimension) -> Dimension:
    """Project a dimension on a pure power of energy, ``Dimension(E=...)``, shown as ``GeV²`` and so on.

    Raises
    ------
    UnitError
        See `natural_dimension`.
    """
    return Dimension(E=natural_dimension(dimension))


def natural_unit(quantity: Dimension | Unit) -> Unit:
    """Return the power of GeV in which a quantity is counted; 1 for a pure number.

    Raises
    ------
    UnitError
        See `natural_dimension`.
    """
    power = natural_dimension(quantity)
    return Unit("GeV", 1.0, Dimension(E=1)) ** power if power else Unit("1", 1.0, Dimension())


def natural_scale(unit: Unit) -> float:
    """Return the size of a unit in the matching power of GeV, with ħ = c = k_B = ε₀ = 1.

    Parameters
    ----------
    unit : Unit
        For instance ``GeV/c^2`` (1), ``fm`` (5.068 GeV⁻¹), ``K`` (8.617e-14 GeV), ``e`` (0.3028).

    Raises
    ------
    UnitError
        See `natural_dimension`.

    Notes
    -----
    Constants are those of CODATA as in `scipy.constants`.
    """
    natural_dimension(unit)  # refuses what is no power of energy
    parts = [
        (_base_in_gev(base), float(power))
        for base, power in zip(BASE, unit.dimension.exponents, strict=True)
        if power
    ]
    try:
        scale = float(math.prod((size**power for size, power in parts), start=unit.scale))
    except OverflowError:
        scale = math.inf
    if 0.0 < scale < math.inf:
        return scale
    # (1 kg)^a (1 m)^b may overflow where their product does not; logarithms lose digits.
    return math.exp(math.log(unit.scale) + sum(power * math.log(size) for size, power in parts))


@functools.cache
def _base_in_gev(base: str) -> float:
    """Return one SI base unit in powers of GeV."""
    from scipy import constants

    gev = 1e9 * constants.e  # in joule
    sizes: dict[str, float] = {
        "m": gev / (constants.hbar * constants.c),
        "kg": constants.c**2 / gev,
        "s": gev / constants.hbar,
        "A": (constants.hbar / gev) / math.sqrt(constants.epsilon_0 * constants.hbar * constants.c),
        "K": constants.k / gev,
        "E": 1.0,
    }
    return sizes[base]
