"""Reads units: our grammar splits the text, pint knows what each name means."""

from __future__ import annotations

import difflib
import functools
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from balmer.errors import UnitError
from balmer.units.dimension import DIMENSIONLESS, Dimension
from balmer.units.grammar import factorise, is_number
from balmer.units.unit import Unit

__all__ = ["parse_unit"]


def parse_unit(text: str, *, column: str | None = None) -> Unit:
    """Read a unit such as ``km/s/Mpc``, ``kg m s^-2``, ``GeV/c^2``, ``day/AU^(3/2)`` or ``%``.

    Parameters
    ----------
    text : str
        Names and symbols known to pint with their prefixes, ``M_sun``, ``L_sun``, ``R_sun``, ``mag`` and
        ``dex`` (pure numbers), numbers, and ``*``, ``/``, ``^`` or ``**``, blanks and parentheses. A pure
        number is ``""``, ``1``, ``dimensionless``, ``none`` or ``-``. Gaussian ``G``, ``Oe``, ``Mx``, ``esu``
        and ``statV`` are read as the SI quantity that they measure.
    column : str, optional
        The column it belongs to, for the message of an error.

    Returns
    -------
    Unit
        With `text` as given and `scale` in coherent SI.

    Raises
    ------
    UnitError
        If the text cannot be read, a name is unknown, or a unit has an offset (degC) or is logarithmic (dB).
    """
    try:
        if not isinstance(text, str):
            raise UnitError(f"a unit must be text, such as 'km/s', not {text!r}")
        scale, dimension = 1.0, DIMENSIONLESS
        factors = factorise(text)
        _refuse_hubble(text, [symbol for symbol, _ in factors])
        for symbol, power in factors:
            size, quantity = (float(symbol), DIMENSIONLESS) if is_number(symbol) else _look_up(symbol, text)
            scale *= size ** float(power)
            dimension *= quantity**power
        if not (math.isfinite(scale) and scale > 0):
            raise UnitError(f"the unit '{text}' has the size {scale:g}, which is not a positive number")
    except UnitError as error:
        if column is None:
            raise
        raise UnitError(f"column '{column}': {error}") from None
    except (OverflowError, ZeroDivisionError):
        raise UnitError(
            f"{_where(column)}the unit '{text}' is too large or too small to be a number"
        ) from None
    return Unit(text, scale, dimension)


def _where(column: str | None) -> str:
    return "" if column is None else f"column '{column}': "


# Spellings that pint lacks or reads as something else ('AU' is its absorbance unit).
_SPELLINGS = {
    "AU": "astronomical_unit",
    "Angstrom": "angstrom",
    "Ang": "angstrom",
    "Gauss": "gauss",
    "Kelvin": "kelvin",
    "Msun": "M_sun",
    "Lsun": "L_sun",
    "Rsun": "R_sun",
    "°": "degree",
    "°C": "degree_Celsius",
    "°F": "degree_Fahrenheit",
    "′": "arcminute",
    "'": "arcminute",
    "″": "arcsecond",
    '"': "arcsecond",
    "ħ": "hbar",
}

# Names added to pint's. The solar values are the nominal ones of IAU 2015 Resolution B3 (the mass with the
# CODATA 2018 value of G).
_DEFINITIONS = (
    "solar_mass = 1.988409870698051e30 * kilogram = M_sun",
    "solar_luminosity = 3.828e26 * watt = L_sun",
    "solar_radius = 6.957e8 * meter = R_sun",
    "jansky = 1e-26 * watt / meter ** 2 / hertz = Jy",
    "gauss_in_si = 1e-4 * tesla",
    "oersted_in_si = 79.57747154594767 * ampere / meter",
    "maxwell_in_si = 1e-8 * weber",
    "franklin_in_si = 3.3356409519815204e-10 * coulomb",
    "statvolt_in_si = 299.792458 * volt",
    "magnitude = [] = mag",
    "dex = []",
    "photon = []",
    "event = []",
    "picture_element = []",
)

# Gaussian units have half powers of mass in pint; read as the SI quantities that they measure, a column in
# gauss and one in tesla agree. A pixel is a count, not a length on paper.
_INSTEAD = {
    "gauss": "gauss_in_si",
    "oersted": "oersted_in_si",
    "maxwell": "maxwell_in_si",
    "franklin": "franklin_in_si",
    "statvolt": "statvolt_in_si",
    "pixel": "picture_element",
}

_SI_OF = {
    "[length]": "m",
    "[mass]": "kg",
    "[time]": "s",
    "[current]": "A",
    "[temperature]": "K",
    "[substance]": "mol",
    "[luminosity]": "cd",
}


@functools.cache
def _registry() -> Any:
    """Build pint's registry, once and not before a unit is read: it costs half a second of start-up time."""
    import pint

    # Decimal keeps a litre at 0.001 m³, where products of float prefixes give 0.0010000000000000002.
    registry = pint.UnitRegistry(non_int_type=Decimal, cache_folder=None)
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


@functools.cache
def _look_up(name: str, text: str) -> tuple[float, Dimension]:
    """Return the size of one named unit in coherent SI, and its dimension."""
    registry = _registry()
    candidates = registry.parse_unit_name(_SPELLINGS.get(name, name))
    if not candidates:
        raise UnitError(_unknown(name, text))
    prefix, stem, _ = candidates[0]
    converter = registry._units[stem].converter
    known = prefix + _INSTEAD.get(stem, stem)
    if converter.is_logarithmic:
        raise UnitError(
            f"'{name}' is a logarithmic unit, which no formula can scale; convert the column first"
        )
    if not converter.is_multiplicative:
        raise UnitError(f"'{name}' has an offset, so that ratios mean nothing; convert the column and use K")
    size, _ = registry.get_root_units(known)
    exponents: dict[str, Fraction] = {}
    for quantity, power in registry.get_dimensionality(known).items():
        if quantity not in _SI_OF:
            raise UnitError(f"'{name}' measures {quantity}, which is no quantity of physics")
        exponents[_SI_OF[quantity]] = Fraction(power).limit_denominator(64)
    # pint's root of mass is the gram.
    exact = Fraction(size) / Fraction(1000) ** int(exponents.get("kg", Fraction(0)))
    return float(exact), Dimension.from_mapping(exponents)


def _refuse_hubble(text: str, symbols: list[str]) -> None:
    """Refuse Mpc/h, in which h is the reduced Hubble constant and not pint's hour."""
    if "h" in symbols and any(symbol.endswith("pc") or "sun" in symbol for symbol in symbols):
        raise UnitError(f"in '{text}', 'h' may be the hour or the Hubble parameter; write 'hr' for the hour")


def _unknown(name: str, text: str) -> str:
    within = "" if name == text else f" in '{text}'"
    close = _similar(name)
    hint = f"; did you mean {' or '.join(repr(other) for other in close)}?" if close else ""
    return f"unknown unit '{name}'{within}{hint}" + (
        "" if close else "; accepted are units known to pint, such as m, km/s, GeV, kg m^2/s^2"
    )


def _similar(name: str) -> list[str]:
    """Return up to three known spellings close to an unknown one, a mere difference of case first."""
    names = _vocabulary()
    same = [other for other in names if other.lower() == name.lower()]
    return same[:2] or difflib.get_close_matches(name, names, n=2, cutoff=0.7)


@functools.cache
def _vocabulary() -> tuple[str, ...]:
    known = [name for name in _registry()._units if name.isascii()]
    symbols = ("m", "g", "s", "A", "K", "eV", "pc", "N", "J", "W", "Pa", "V", "Hz", "T", "C", "F", "yr", "b")
    names = ("meter", "gram", "second", "ampere", "kelvin", "parsec", "newton", "joule", "watt", "pascal")
    prefixed = [prefix + symbol for prefix in "kMGTcmunp" for symbol in symbols]
    spelt = [
        prefix + name for prefix in ("kilo", "mega", "giga", "centi", "milli", "micro") for name in names
    ]
    return tuple(dict.fromkeys(["AU", "M_sun", "Angstrom", *prefixed, *known, *spelt]))
